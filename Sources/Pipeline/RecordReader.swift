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
    private var clock: Int64?

    init(
        _ source: consuming sending Source,
        settings: PipelineSettings,
        skips: [[OffsetRange]],
        readsAhead: Bool
    ) {
        standings = source.partitions.map { _ in PartitionStanding() }
        base = SharedSource(DecodedSource(source, settings: settings, skips: skips))
        ahead = readsAhead ? ReadAhead(base, partitionCount: standings.count) : nil
        ahead?.start()
    }

    deinit { ahead?.stop() }

    /// A new look at the clock; nil in a replay.
    mutating func tell(clock: Int64?) {
        guard clock != self.clock else { return }
        self.clock = clock
        ahead?.tell(clock: clock)
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
            standings[index] = try base.fetch(
                partition: index,
                keeping: kept,
                clock: clock,
                into: &batch
            )
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
        if let ahead { return ahead.commit(positions: positions) }
        base.withLock { $0.source.commit(positions: positions) }
    }

    func finishCommit(milliseconds: Int) {
        if let ahead { return ahead.finishCommit(milliseconds: milliseconds) }
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

    /// See `DecodedSource.fetch`.
    func fetch(
        partition index: Int,
        keeping kept: EventDecoder.KeptPayloads,
        clock: Int64?,
        into batch: inout EventBatch
    ) throws(SourceError) -> PartitionStanding {
        let result = base.withLock { base -> Result<PartitionStanding, SourceError> in
            do throws(SourceError) {
                try base.fetch(partition: index, keeping: kept, into: &batch)
            } catch {
                return .failure(error)
            }
            let isAtEnd = base.source.isAtEnd(partition: index)
            return .success(PartitionStanding(isAtEnd: isAtEnd, clock: clock ?? .max))
        }
        return try result.get()
    }
}
