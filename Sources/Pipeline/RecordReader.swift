internal import Decode
internal import Events
internal import Source
internal import Synchronization

/// What is known of a partition since its last fetch.
struct PartitionStanding: Sendable {
    /// Whether everything up to the partition's end has been handed over.
    var isAtEnd = false
    /// The clock when that was found, milliseconds since the epoch; `Int64.max` in a replay, where an
    /// end is final.
    var clock = Int64.min
}

/// The first stages as the pipeline sees them, on its own thread or on another.
struct RecordReader<Source: RecordSource & ~Copyable>: ~Copyable {
    private let base: SharedSource<Source>
    /// nil: the pipeline's thread reads and decodes itself.
    private let ahead: ReadAhead<Source>?
    private var standings: [PartitionStanding]
    /// Errors to be thrown behind the records that were read before them; on the pipeline's thread.
    private var errors: [SourceError?]
    private var clock: Int64?
    private var hasStarted = false

    /// - Parameter kept: which impressions are wanted as they came at first.
    init(
        _ source: consuming sending Source,
        settings: PipelineSettings,
        skips: [[OffsetRange]],
        keeping kept: EventDecoder.KeptPayloads,
        readsAhead: Bool
    ) {
        standings = source.partitions.map { _ in PartitionStanding() }
        errors = source.partitions.map { _ in nil }
        base = SharedSource(DecodedSource(source, settings: settings, skips: skips))
        ahead =
            readsAhead
            ? ReadAhead(base, partitionCount: standings.count, keeping: kept) : nil
    }

    deinit { if hasStarted { ahead?.stop() } }

    /// A new look at the clock; nil in a replay. Nothing is read before the first one: an end that was
    /// found earlier would be of no known time.
    mutating func tell(clock: Int64?) {
        if hasStarted && clock == self.clock { return }
        self.clock = clock
        ahead?.tell(clock: clock)
        if !hasStarted { ahead?.start() }
        hasStarted = true
    }

    /// Replaces `batch`, which is empty, by the next records of a partition, if there are any now.
    mutating func fetch(
        partition index: Int,
        keeping kept: EventDecoder.KeptPayloads,
        into batch: inout EventBatch
    ) throws(SourceError) {
        if let ahead {
            standings[index] = try ahead.take(partition: index, keeping: kept, into: &batch)
        } else {
            if let error = errors[index] { throw error }
            (standings[index], errors[index]) = base.fetch(
                partition: index,
                keeping: kept,
                clock: clock,
                into: &batch
            )
            if batch.records.isEmpty, let error = errors[index] { throw error }
        }
    }

    /// Whether everything up to the partition's end has been handed over, as of its last fetch.
    func isAtEnd(partition index: Int) -> Bool { standings[index].isAtEnd }

    /// The clock when that was found.
    func clockAtEnd(partition index: Int) -> Int64 { standings[index].clock }

    var fractionRead: Double? {
        ahead == nil ? base.withLock { $0.source.fractionRead } : ahead?.fractionRead
    }

    func wait(milliseconds: Int) {
        if let ahead { return ahead.wait(milliseconds: milliseconds) }
        base.withLock { $0.source.wait(milliseconds: milliseconds) }
    }

    func commit(positions: [Int64]) {
        if let ahead, hasStarted { return ahead.commit(positions: positions) }
        base.withLock { $0.source.commit(positions: positions) }
    }

    func finishCommit(milliseconds: Int) {
        if let ahead, hasStarted { return ahead.finishCommit(milliseconds: milliseconds) }
        base.withLock { $0.source.finishCommit(milliseconds: milliseconds) }
    }
}

/// A source that goes to the thread that reads it. Its lock is never waited for: of the threads one
/// uses it, or has it for good.
final class SharedSource<Source: RecordSource & ~Copyable>: Sendable {
    private let base: Mutex<DecodedSource<Source>>

    init(_ base: consuming sending DecodedSource<Source>) {
        self.base = Mutex(base)
    }

    func withLock<Result>(
        _ body: (inout sending DecodedSource<Source>) -> sending Result
    ) -> sending Result {
        base.withLock(body)
    }

    /// See `DecodedSource.fetch`; the error, if there is one, is that behind the records in the batch.
    func fetch(
        partition index: Int,
        keeping kept: EventDecoder.KeptPayloads,
        clock: Int64?,
        into batch: inout EventBatch
    ) -> (PartitionStanding, SourceError?) {
        base.withLock { base -> (PartitionStanding, SourceError?) in
            do throws(SourceError) {
                try base.fetch(partition: index, keeping: kept, into: &batch)
                return (base.standing(partition: index, clock: clock), nil)
            } catch {
                return (PartitionStanding(), error)
            }
        }
    }
}
