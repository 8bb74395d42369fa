/// Where a partition is to be read on, and what was read last.
public struct ResumePoint: Equatable, Sendable {
    /// The next offset to be handed over.
    public var position: Int64
    /// XXH3-64 of the payload of the record before it, by which a recreated topic or a replaced file is
    /// noticed; nil if there was none, or it had no payload: then nothing is compared.
    public var lastPayloadHash: UInt64?

    public init(position: Int64, lastPayloadHash: UInt64? = nil) {
        self.position = position
        self.lastPayloadHash = lastPayloadHash
    }
}
