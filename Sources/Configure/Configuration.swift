public import Decode
public import Events
internal import Foundation
public import Join
public import Learn
public import Order
public import Snapshot

/// Everything that a run is told before it starts: the settings of every stage of the data path.
public struct Configuration: Equatable, Sendable {
    public var kafka: KafkaConfiguration
    public var decode: DecodeSettings
    public var order: OrderSettings
    public var join: JoinSettings
    /// The features, in the order of the file.
    public var schema: FeatureSchema
    public var learn: LearnSettings
    public var snapshots: SnapshotSettings
    public var quarantine: QuarantineSettings
    public var publish: PublishSettings

    /// The defaults for these features; everything but them has one.
    public init(schema: FeatureSchema) {
        self.schema = schema
        kafka = KafkaConfiguration()
        decode = DecodeSettings()
        order = OrderSettings()
        join = JoinSettings(
            clickWindow: 600_000,
            conversionWindow: 86_400_000,
            orphanWindow: 60_000,
            closedMemory: 3_600_000
        )
        learn = LearnSettings(
            network: NetworkSettings(),
            loss: FocalLoss(),
            optimizer: MethodName.adagrad.defaults,
            baseCTR: 0.01,
            baseCTCVR: 0.001,
            embeddingDeviation: 0.05,
            seed: 1,
            cohortWidth: 3_600_000
        )
        snapshots = SnapshotSettings()
        quarantine = QuarantineSettings()
        publish = PublishSettings()
    }

    /// Reads a configuration file.
    /// - Throws: the first thing that is wrong, with its line and dotted key.
    public init(file: String) throws(ConfigurationError) {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            bytes = try handle.read(upToCount: Document.byteCountMax + 1) ?? Data()
        } catch {
            throw ConfigurationError(file: file, problem: "cannot be read: \(reason(of: error))")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file: file, problem: "is not UTF-8 text")
        }
        try self.init(yaml: text, file: file)
    }

    /// Reads a configuration from its text; `file` is the name that errors give it.
    /// - Throws: the first thing that is wrong, with its line and dotted key.
    public init(yaml: String, file: String = "configuration") throws(ConfigurationError) {
        let document = try Document(yaml: yaml, file: file)
        guard let node = document.root else {
            throw ConfigurationError(
                file: file,
                key: "features",
                problem: "is missing: the file is empty"
            )
        }
        let root = try Section(
            Value(node: node, key: "", line: nil, file: file),
            keys: [
                "seed", "kafka", "events", "order", "join", "features", "model", "loss",
                "base_rates", "optimizer", "metrics", "snapshots", "quarantine",
                "publish",
            ]
        )
        let features = try root.required("features", "a list with at least one feature")
        self.init(schema: try FeatureSchema(features))
        try kafka.read(root)
        try decode.read(root)
        try order.read(root)
        try join.read(root)
        try learn.read(root)
        try snapshots.read(root)
        try quarantine.read(root)
        try publish.read(root)
        decode.keepsRejectedPayloads = quarantine.payloads
        try checkParameterCount(features)
    }

    /// Refuses a model that no machine could hold, before anything is allocated for it.
    private func checkParameterCount(_ features: Value) throws(ConfigurationError) {
        let count = ModelSize(schema: schema, network: learn.network).parameters
        guard count <= ModelSize.parametersMax else {
            throw features.error(
                "give the model \(count) parameters with embeddings of "
                    + "\(learn.network.embeddingDimension), more than \(ModelSize.parametersMax): "
                    + "take fewer rows or a smaller model.embedding_dimension"
            )
        }
    }
}

/// The system's words for a failed read.
func reason(of error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    let code = underlying ?? (error as NSError)
    guard code.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return unsafe String(cString: strerror(Int32(code.code)))
}
