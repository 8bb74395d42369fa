public import Events

/// One record as it was read, lent for the duration of a call.
public struct RecordHeader: Sendable, BitwiseCopyable {
    public var offset: Int64
    /// Offsets that this record stands for: 1, or the length of a corrupt batch.
    public var offsetCount: Int64
    /// The broker's timestamp, milliseconds since the epoch; nil if there is none (files).
    public var timestamp: Int64?

    public init(offset: Int64, offsetCount: Int64 = 1, timestamp: Int64?) {
        self.offset = offset
        self.offsetCount = offsetCount
        self.timestamp = timestamp
    }
}

/// What the record held.
public enum RecordContent: Sendable {
    case payload
    /// A null value (tombstone).
    case null
    /// A batch whose checksum is wrong.
    case corrupt
    /// More bytes than the configured limit; they were skipped, not kept.
    case tooLarge(byteCount: Int)
}

/// Takes one record: its header, what it is, and the payload's bytes (empty unless `.payload`).
public typealias RecordReceiver = (RecordHeader, RecordContent, Span<UInt8>) -> Void

/// Where records come from: Kafka, or files. One thread owns it.
public protocol RecordSource: SendableMetatype, ~Copyable {
    /// The partitions, fixed when the source is opened.
    var partitions: [Partition] { get }

    /// Hands over the next records of one partition in the order of their offsets: a bounded number,
    /// none if there are none now. Does not wait for records to come: that is what `wait` is for.
    mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError)

    /// Whether everything up to the partition's end has been handed over: the end offset recorded at
    /// the start (replay), the broker's end as last heard of (live), the end of the file.
    func isAtEnd(partition index: Int) -> Bool

    /// Waits until there may be something to fetch where the last fetch found nothing, at most the
    /// given time. To be called after a round in which no partition had anything.
    mutating func wait(milliseconds: Int)

    /// Share of the input handed over so far, where its size is known.
    var fractionRead: Double? { get }

    /// The first offset handed over, or to be handed over, of each partition: where it stands while
    /// nothing of it has been applied.
    var startPositions: [Int64] { get }

    /// Tells others how far the partitions have been applied: the next offset of each, by partition
    /// index. To be called when a snapshot that holds them is safe on disk. Does not wait; what goes
    /// wrong is a warning, as nothing rests on it.
    mutating func commit(positions: [Int64])

    /// Waits until what was committed has arrived, at most the given time. For the shutdown.
    mutating func finishCommit(milliseconds: Int)
}

extension RecordSource where Self: ~Copyable {
    /// What can be read is there already.
    public mutating func wait(milliseconds: Int) {}

    public var fractionRead: Double? { nil }

    /// Nobody else is interested.
    public mutating func commit(positions: [Int64]) {}

    public mutating func finishCommit(milliseconds: Int) {}
}

/// A source that cannot go on: what, where and what to do, in one line.
public struct SourceError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String
    /// Whether nothing went wrong: opening was given up because the caller was told to stop.
    public var isStop = false
    /// Whether a setting of the client was refused, which is for the configuration to mend.
    public var isRefusedSetting = false

    public init(_ description: String) {
        self.description = description
    }
}
