/// When snapshots are taken and how long they are kept.
public struct SnapshotSettings: Equatable, Sendable {
    public enum Schedule: Equatable, Sendable {
        /// Whenever the number of consumed events is divisible by this.
        case events(Int)
        /// Milliseconds, of the clock in a live run, of stream time in a replay.
        case duration(Int64)
    }

    public var every: Schedule
    /// How many snapshots are kept, the newest included.
    public var keep: Int
    /// Snapshots older than this are removed even if `keep` would hold them, milliseconds; nil: no limit.
    public var keepFor: Int64?
    /// How many recent impressions a snapshot holds, for exports to be verified on.
    public var sampledImpressions: Int

    public init(
        every: Schedule = .duration(60_000),
        keep: Int = 3,
        keepFor: Int64? = nil,
        sampledImpressions: Int = 256
    ) {
        self.every = every
        self.keep = keep
        self.keepFor = keepFor
        self.sampledImpressions = sampledImpressions
    }
}
