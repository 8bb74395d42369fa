internal import Decode
internal import Dispatch
internal import Events
internal import Source
internal import Synchronization

/// Reads and decodes on a thread of its own, ahead of the one that learns: of each partition a few
/// batches, in the order of its offsets. Which records are applied in which order is not decided
/// here, so that nothing depends on how far ahead it is.
final class ReadAhead<Source: RecordSource & ~Copyable>: Sendable {
    private let partitionCount: Int
    private let state: Mutex<ReadAheadState>
    /// Held by the reading thread for as long as that lives.
    private let base: SharedSource<Source>
    private let orders = DispatchSemaphore(value: 0)
    private let arrivals = DispatchSemaphore(value: 0)
    private let replies = DispatchSemaphore(value: 0)
    private let queue = DispatchQueue(label: "freshet.read-ahead")

    init(
        _ base: SharedSource<Source>,
        partitionCount: Int,
        keeping kept: EventDecoder.KeptPayloads
    ) {
        self.base = base
        self.partitionCount = partitionCount
        state = Mutex(ReadAheadState(partitionCount: partitionCount, kept: kept))
    }

    func start() {
        queue.async { [self] in base.withLock { read(&$0) } }
    }

    /// Ends the reading thread, and waits until it has let go of the source.
    func stop() {
        order { $0.isStopping = true }
        queue.sync {}
    }

    // MARK: The learner's side

    /// Replaces `batch`, which is empty, by the next one of a partition, if there is one.
    /// - Throws: what the source threw, behind the records before it.
    func take(
        partition index: Int,
        keeping kept: EventDecoder.KeptPayloads,
        into batch: inout EventBatch
    ) throws(SourceError) -> PartitionStanding {
        var isWaiting = false
        let result = state.withLock { state -> Result<PartitionStanding, SourceError> in
            state.kept = kept
            guard let next = state.lanes[index].removeFirst() else {
                if let error = state.lanes[index].error { return .failure(error) }
                return .success(state.lanes[index].standing)
            }
            state.free.append(batch)
            batch = next.batch
            state.fractionRead = next.fractionRead
            isWaiting = state.isReaderWaiting
            state.isReaderWaiting = false
            let isLast = state.lanes[index].ready.isEmpty
            return .success(isLast ? state.lanes[index].standing : PartitionStanding())
        }
        if isWaiting { orders.signal() }
        return try result.get()
    }

    /// Tells the time by which ends are to be known; nil in a replay.
    func tell(clock: Int64?) {
        order { $0.clock = clock }
    }

    /// Waits until something comes, at most the given time.
    func wait(milliseconds: Int) {
        let hasNews = state.withLock { state in
            state.isLearnerWaiting = !state.hasNews
            defer { state.hasNews = false }
            return state.hasNews
        }
        if !hasNews { _ = arrivals.wait(timeout: .now() + .milliseconds(milliseconds)) }
    }

    var fractionRead: Double? { state.withLock { $0.fractionRead } }

    func commit(positions: [Int64]) {
        order { $0.commit = positions }
    }

    func finishCommit(milliseconds: Int) {
        order { $0.finishCommitMilliseconds = milliseconds }
        // The thread may be waiting for brokers at this moment.
        _ = replies.wait(timeout: .now() + .milliseconds(2 * milliseconds))
    }

    private func order(_ change: (inout ReadAheadState) -> Void) {
        let isWaiting = state.withLock { state in
            change(&state)
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if isWaiting { orders.signal() }
    }

    // MARK: The reading thread

    /// Goes round the partitions until it is stopped.
    private func read(_ base: inout DecodedSource<Source>) {
        while carryOut(&base) {
            var hasRead = false
            var isIdle = false
            for index in 0..<partitionCount {
                guard var task = beginFetch(index) else { continue }
                var failure: SourceError?
                do throws(SourceError) {
                    try base.fetch(partition: index, keeping: task.kept, into: &task.batch)
                } catch {
                    failure = error
                }
                // A last line may be damaged: its partition is not at its end before that is thrown.
                let standing =
                    failure == nil
                    ? base.standing(partition: index, clock: task.clock) : PartitionStanding()
                let isEmpty = task.batch.records.isEmpty
                hasRead = hasRead || !isEmpty
                isIdle = isIdle || isEmpty
                endFetch(index, &task.batch, standing, failure, base.source.fractionRead)
            }
            if hasRead { continue }
            if isIdle { base.source.wait(milliseconds: 5) } else { waitForOrders() }
        }
    }

    /// What to fetch a partition with; nil if it is not to be fetched now.
    private func beginFetch(_ index: Int) -> ReadAheadFetch? {
        state.withLock { state in
            guard !state.isStopping, state.isWanted(index) else { return nil }
            var batch = state.free.popLast() ?? EventBatch()
            batch.removeAll()
            return ReadAheadFetch(batch: batch, kept: state.kept, clock: state.clock)
        }
    }

    private func endFetch(
        _ index: Int,
        _ fetched: inout EventBatch,
        _ standing: PartitionStanding,
        _ error: SourceError?,
        _ fractionRead: Double?
    ) {
        let isEmpty = fetched.records.isEmpty
        var isWaiting = false
        state.withLock { state in
            var batch = EventBatch()
            swap(&batch, &fetched)
            if isEmpty {
                state.free.append(batch)
            } else {
                state.lanes[index].append(ReadyBatch(batch: batch, fractionRead: fractionRead))
            }
            state.lanes[index].standing = standing
            state.lanes[index].error = error
            guard !isEmpty || standing.isAtEnd || error != nil else { return }
            isWaiting = state.isLearnerWaiting
            state.isLearnerWaiting = false
            state.hasNews = !isWaiting
        }
        if isWaiting { arrivals.signal() }
    }

    /// Does what the learner asked for; false if that is to stop.
    private func carryOut(_ base: inout DecodedSource<Source>) -> Bool {
        let (isStopping, commit, finishCommit) = state.withLock { state in
            defer { (state.commit, state.finishCommitMilliseconds) = (nil, nil) }
            return (state.isStopping, state.commit, state.finishCommitMilliseconds)
        }
        if let commit { base.source.commit(positions: commit) }
        if let finishCommit {
            base.source.finishCommit(milliseconds: finishCommit)
            replies.signal()
        }
        return !isStopping
    }

    /// Every partition is as far ahead as it may be: waits until one is taken from.
    private func waitForOrders() {
        let mustWait = state.withLock { state in
            let isFree =
                state.isStopping || state.commit != nil || state.finishCommitMilliseconds != nil
                || state.lanes.indices.contains { state.isWanted($0) }
            state.isReaderWaiting = !isFree
            return !isFree
        }
        if mustWait { orders.wait() }
    }
}

/// Decoded records that are read ahead of the learner take about so many bytes at most, and in each
/// partition the last batch that was begun.
public let readAheadBytesMax = 64 << 20

// What the threads share is not generic, so that the compiler makes plain code of it everywhere.

private struct ReadyBatch {
    var batch: EventBatch
    /// Of the source, with this batch.
    var fractionRead: Double?
}

/// What is ready of one partition.
private struct ReadAheadLane {
    private(set) var ready: [ReadyBatch] = []
    private(set) var bytes = 0
    /// As of the last fetch.
    var standing = PartitionStanding()
    /// What ended the reading, to be thrown behind what is ready.
    var error: SourceError?

    mutating func append(_ next: ReadyBatch) {
        bytes += next.batch.byteCount
        ready.append(next)
    }

    mutating func removeFirst() -> ReadyBatch? {
        if ready.isEmpty { return nil }
        let next = ready.remove(at: 0)
        bytes -= next.batch.byteCount
        return next
    }
}

private struct ReadAheadState {
    /// Batches held of each partition at most.
    private let depth: Int
    /// Bytes of decoded records at which no more is read of a partition.
    private let bytesMax: Int
    var lanes: [ReadAheadLane]
    /// Emptied batches, whose storage is used again.
    var free: [EventBatch] = []
    /// The learner's clock; nil in a replay, where the end of a partition is final.
    var clock: Int64?
    var kept: EventDecoder.KeptPayloads
    /// Of what was taken last.
    var fractionRead: Double?
    var isStopping = false
    var isReaderWaiting = false
    var isLearnerWaiting = false
    /// Something came since the learner last waited.
    var hasNews = false
    var commit: [Int64]?
    var finishCommitMilliseconds: Int?

    init(partitionCount: Int, kept: EventDecoder.KeptPayloads) {
        depth = max(2, 64 / max(partitionCount, 1))
        bytesMax = readAheadBytesMax / max(partitionCount, 1)
        lanes = Array(repeating: ReadAheadLane(), count: partitionCount)
        self.kept = kept
    }

    /// Whether more is to be read of a partition now.
    func isWanted(_ index: Int) -> Bool {
        let isFinal = lanes[index].standing.isAtEnd && clock == nil
        return lanes[index].ready.count < depth && lanes[index].bytes < bytesMax
            && lanes[index].error == nil && !isFinal
    }
}

private struct ReadAheadFetch {
    var batch: EventBatch
    var kept: EventDecoder.KeptPayloads
    var clock: Int64?
}
