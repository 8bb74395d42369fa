/// What a state began with in place of a fresh model, as its snapshots remember it.
public struct WarmStartRecord: Codable, Equatable, Sendable {
    /// The model's id, if its file named one.
    public var model: String?
    /// XXH3-64 of the file, 16 hexadecimal digits.
    public var checksum: String
    /// What accumulators that the file did not have started at; nil if it had them.
    public var accumulator: Float?

    public init(model: String?, checksum: String, accumulator: Float?) {
        self.model = model
        self.checksum = checksum
        self.accumulator = accumulator
    }
}
