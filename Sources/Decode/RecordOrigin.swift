public import Events

/// Where a record stands and what its source knows of it beside the payload.
public struct RecordOrigin: Sendable, BitwiseCopyable {
    /// Index of the partition, into the run's table of partitions.
    public var partition: Int32
    /// What the partition's records are.
    public var role: Role
    public var offset: Int64
    /// Offsets that the record stands for: 1, or the length of a corrupt batch.
    public var offsetCount: Int64
    /// The time against which event times are held, milliseconds: the broker's timestamp of the record,
    /// or the time of the run where there is none.
    public var recordTime: Int64

    public init(
        partition: Int32,
        role: Role,
        offset: Int64,
        offsetCount: Int64 = 1,
        recordTime: Int64
    ) {
        self.partition = partition
        self.role = role
        self.offset = offset
        self.offsetCount = offsetCount
        self.recordTime = recordTime
    }
}

/// Why a record's payload is not looked at.
public enum UnreadableRecord: Sendable, BitwiseCopyable {
    /// A null value (tombstone).
    case null
    /// A batch whose checksum is wrong.
    case corrupt
    /// More bytes than the source hands over.
    case tooLarge(byteCount: Int)
    /// The operator left it out.
    case skipped
}
