internal import Learn

/// What a run with a configuration will take, before it is run. Figures of the join are those of a
/// steady rate.
public struct ResourceEstimate: Equatable, Sendable {
    public var model: ModelSize
    /// Parameters and optimizer state, bytes.
    public var modelBytes: Int
    /// The most that the metrics' cohorts and summaries add to a snapshot, bytes.
    public var metricsBytesMax: Int
    /// Present only with a stream.
    public var join: JoinEstimate?

    /// A stream of impressions and clicks, as far as the join's memory depends on it. Clicks are
    /// taken to come early in their window and to carry click ids, conversions to be few.
    public struct Stream: Equatable, Sendable {
        /// Impressions per second, above 0.
        public var rate: Double
        /// Clicks per impression, 0 to 1.
        public var ctr: Double
        /// Mean number of values in a list field.
        public var listLength: Double = 10
        /// Mean length of an impression id's text; 36 is that of a UUID.
        public var idTextBytes: Double = 36

        public init(rate: Double, ctr: Double) {
            self.rate = rate
            self.ctr = ctr
        }
    }

    public init(_ configuration: Configuration) {
        let learn = configuration.learn
        model = ModelSize(schema: configuration.schema, network: learn.network)
        modelBytes =
            model.parameters * (1 + ModelSize.optimizerStates(learn.optimizer.method))
            * MemoryLayout<Float>.size
        metricsBytesMax = Metrics.encodedBytesMax
    }

    public init(_ configuration: Configuration, stream: Stream) {
        self.init(configuration)
        join = JoinEstimate(configuration, stream: stream)
    }
}
