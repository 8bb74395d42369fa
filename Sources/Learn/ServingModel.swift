public import Events
public import StateCoding

/// A model as it serves: it predicts, and learns nothing.
public struct ServingModel: ~Copyable {
    public let schema: FeatureSchema
    public let settings: LearnSettings
    public let statistics: NumericStatistics
    public let calibration: Calibration
    public private(set) var network: Network

    /// - Parameters:
    ///   - statistics: of the schema's numeric fields.
    ///   - parameters: laid out as `Network.tensors` says.
    /// - Throws: `StateError` if there are not as many parameters as the settings say; before anything
    ///   is allocated.
    public init(
        schema: FeatureSchema,
        settings: LearnSettings,
        statistics: NumericStatistics,
        parameters: [Float],
        kernelPath: KernelPath = .fastest
    ) throws(StateError) {
        network = try Network(
            schema: schema,
            settings: settings.network,
            loss: settings.loss,
            parameters: parameters,
            kernelPath: kernelPath
        )
        self.schema = schema
        self.settings = settings
        self.statistics = statistics
        calibration = Calibration(settings.loss)
    }

    /// The calibrated probabilities of an impression.
    ///
    /// - Parameter features: the impression's words as the schema encodes them, numbers raw; they are
    ///   replaced by the standardised ones.
    public mutating func predict(features: inout MutableSpan<UInt32>) -> Probabilities {
        statistics.standardise(&features)
        return calibration.probabilities(of: network.predict(features: features.span))
    }
}
