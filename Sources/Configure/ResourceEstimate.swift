internal import Events
internal import Join
internal import Learn

/// What a run with a configuration will take, before it is run. Figures of the join are estimates for
/// a steady rate.
public struct ResourceEstimate: Equatable, Sendable {
    /// Table entry, window queue and hash index of an open impression, without its features.
    static let openImpressionBytes = 200
    /// The text of an impression id, as estimated.
    static let idTextBytes = 40
    /// A remembered id with its time and its place in the hash index.
    static let closedIDBytes = 80
    /// Ids that an impression's list field is taken to hold, their number being unknown here.
    public static let listLength = 10

    public var model: ModelSize
    /// Parameters and optimizer state, bytes.
    public var modelBytes: Int
    /// Present only with a rate.
    public var join: JoinEstimate?

    /// The join at a steady rate.
    public struct JoinEstimate: Equatable, Sendable {
        /// 32-bit words of an impression's encoded features.
        public var featureWords: Int
        public var bytesPerOpenImpression: Int
        /// Impressions whose windows are open, and ids remembered, at most the configured limits.
        public var openImpressions: Int
        public var closedIDs: Int
        /// What they would be without the limits.
        public var unlimitedOpenImpressions: Double
        public var unlimitedClosedIDs: Double
        public var bytes: Int
        /// A snapshot with the model and this join, before compression.
        public var snapshotBytes: Int

        /// Impressions are dropped untrained at this rate.
        public var dropsImpressions: Bool {
            unlimitedOpenImpressions > Double(openImpressions) + 1
        }
        /// Ids are forgotten before `closed_memory` has passed.
        public var forgetsEarly: Bool { unlimitedClosedIDs > Double(closedIDs) + 1 }
    }

    public init(_ configuration: Configuration) {
        let learn = configuration.learn
        model = ModelSize(schema: configuration.schema, network: learn.network)
        modelBytes =
            model.parameters * (1 + ModelSize.optimizerStates(learn.optimizer.method))
            * MemoryLayout<Float>.size
    }

    /// - Parameters:
    ///   - rate: impressions per second, above 0.
    ///   - ctr: clicks per impression, 0 to 1.
    public init(_ configuration: Configuration, rate: Double, ctr: Double) {
        precondition(rate > 0 && rate.isFinite && (0...1) ~= ctr)
        self.init(configuration)
        let settings = configuration.join
        // A clicked impression waits for its conversion, from a click that may come at the window's
        // end on: a bound from above.
        let open =
            rate * Double(settings.clickWindow) / 1_000
            + rate * ctr * Double(settings.conversionWindow) / 1_000
        let closed = rate * Double(settings.closedMemory) / 1_000
        let words = configuration.schema.fields.reduce(0) { sum, field in
            if case .list = field.kind { sum + 1 + ResourceEstimate.listLength } else { sum + 1 }
        }
        let perOpen =
            ResourceEstimate.openImpressionBytes + 4 * words + ResourceEstimate.idTextBytes
        let openCount = Int(min(open.rounded(.up), Double(settings.openImpressionsMax)))
        let closedCount = Int(min(closed.rounded(.up), Double(settings.closedIDsMax)))
        let bytes = openCount * perOpen + closedCount * ResourceEstimate.closedIDBytes
        join = JoinEstimate(
            featureWords: words,
            bytesPerOpenImpression: perOpen,
            openImpressions: openCount,
            closedIDs: closedCount,
            unlimitedOpenImpressions: open,
            unlimitedClosedIDs: closed,
            bytes: bytes,
            snapshotBytes: modelBytes + bytes
        )
    }
}
