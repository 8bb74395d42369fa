internal import Dispatch
public import Events
internal import Synchronization

/// One pass over a source for several readers, each on a thread of its own: every record is read
/// once and lent to all of them.
///
/// What one reader has taken and another has not is held, up to a limit; a reader that is ahead waits
/// there for the others. Readers that take the partitions in very different orders may each wait for
/// what another holds up; then the one that notices reads on beyond the limit, up to a second one.
public final class SharedPass<Base: RecordSource & ~Copyable>: Sendable {
    public let partitions: [Partition]
    /// By reader, then by partition.
    private let startPositions: [[Int64]]
    private let state: Mutex<State>
    private let signals: [DispatchSemaphore]
    private let limits: SharedPassLimits

    private struct State: ~Copyable {
        var base: Base
        var queues: [SharedQueue]
        /// By reader: whether it had to wait for the others when it last asked.
        var isBlocked: [Bool]
        var hasLeft: [Bool]
        var fractionRead: Double?
    }

    /// - Parameters:
    ///   - base: The source, standing at or before every reader's start.
    ///   - opened: The positions that `base` was opened with, as `leastPositions` gives them.
    ///   - starts: The first offset that each reader takes of each partition, as its state says; empty
    ///     for one without a state.
    public init(
        over base: consuming sending Base,
        opened: [Partition: ResumePoint],
        starts: [[Partition: ResumePoint]],
        limits: SharedPassLimits = SharedPassLimits()
    ) {
        let partitions = base.partitions
        self.partitions = partitions
        startPositions = starts.map { start in
            zip(partitions, base.startPositions).map { start[$0]?.position ?? $1 }
        }
        self.limits = limits
        signals = starts.map { _ in DispatchSemaphore(value: 0) }
        let queues = partitions.map { partition in
            SharedQueue(
                positions: starts.map { $0[partition]?.position ?? .min },
                isStartKnown: opened[partition] != nil
            )
        }
        state = Mutex(
            State(
                base: base,
                queues: queues,
                isBlocked: starts.map { _ in false },
                hasLeft: starts.map { _ in false },
                fractionRead: nil
            )
        )
    }

    /// Where a source has to start so that all readers find what they need: the least position of each
    /// partition that every reader has one in; nothing if one of them starts afresh.
    public static func leastPositions(
        _ starts: [[Partition: ResumePoint]]
    ) -> [Partition: ResumePoint] {
        guard var least = starts.first else { return [:] }
        for start in starts.dropFirst() {
            least = least.filter { start[$0.key] != nil }
            least.merge(start.filter { least[$0.key] != nil }) {
                $1.position < $0.position ? $1 : $0
            }
        }
        return least
    }

    /// The source of one reader, to be made on its thread, once.
    public func view(_ reader: Int) -> View { View(pass: self, reader: reader) }

    /// What one reader sees of the pass.
    public struct View: RecordSource, ~Copyable {
        private let pass: SharedPass
        private let reader: Int
        private var isAtEnd: [Bool]

        fileprivate init(pass: SharedPass, reader: Int) {
            self.pass = pass
            self.reader = reader
            isAtEnd = pass.partitions.map { _ in false }
        }

        /// The others go on without this reader.
        deinit { pass.leave(reader) }

        public var partitions: [Partition] { pass.partitions }

        public var startPositions: [Int64] { pass.startPositions[reader] }

        public mutating func fetch(
            partition index: Int,
            into receive: RecordReceiver
        ) throws(SourceError) {
            guard !isAtEnd[index] else { return }
            let taken = try pass.take(partition: index, reader: reader)
            isAtEnd[index] = taken.isLast
            taken.block?.handOver(from: taken.position, into: receive)
        }

        /// The end of a pass is final.
        public func isAtEnd(partition index: Int) -> Bool { isAtEnd[index] }

        public mutating func wait(milliseconds: Int) {
            pass.wait(reader: reader, milliseconds: milliseconds)
        }

        public var fractionRead: Double? { pass.fractionRead }
    }

    private struct Taken {
        var block: RecordBlock?
        /// The first offset of the block that is the reader's.
        var position: Int64
        /// Whether nothing comes after it.
        var isLast: Bool
    }

    private var fractionRead: Double? { state.withLock { $0.fractionRead } }

    /// The next block of a partition for a reader: one that is held, or else the next one read.
    private func take(partition index: Int, reader: Int) throws(SourceError) -> Taken {
        let result = state.withLock { state -> Result<Taken, SourceError> in
            do throws(SourceError) {
                return .success(try take(&state, partition: index, reader: reader))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func take(
        _ state: inout State,
        partition index: Int,
        reader: Int
    ) throws(SourceError) -> Taken {
        let share = max(1, limits.bytes / max(partitions.count, 1))
        while true {
            let position = state.queues[index].positions[reader]
            if let block = state.queues[index].takeBlock(reader: reader) {
                release(&state, index)
                let isLast =
                    state.base.isAtEnd(partition: index)
                    && !state.queues[index].hasBlock(reader: reader)
                return Taken(block: block, position: position, isLast: isLast)
            }
            if state.base.isAtEnd(partition: index) {
                return Taken(block: nil, position: position, isLast: true)
            }
            if state.queues[index].bytes >= share, try mustWait(&state, reader: reader) {
                return Taken(block: nil, position: position, isLast: false)
            }
            let read = try readBlock(&state.base, partition: index)
            state.fractionRead = state.base.fractionRead
            guard !read.isEmpty else {
                return Taken(
                    block: nil,
                    position: position,
                    isLast: state.base.isAtEnd(partition: index)
                )
            }
            try state.queues[index].append(read, of: partitions[index])
            wake(&state)
        }
    }

    /// Whether a reader that is at the limit has to wait for the others: unless all of them wait.
    private func mustWait(_ state: inout State, reader: Int) throws(SourceError) -> Bool {
        state.isBlocked[reader] = true
        let canOthersGoOn = state.isBlocked.indices.contains {
            !state.hasLeft[$0] && !state.isBlocked[$0]
        }
        if canOthersGoOn { return true }
        state.isBlocked[reader] = false
        guard state.queues.reduce(0, { $0 + $1.bytes }) < limits.bytesMax else {
            throw SourceError(
                "the configurations read the same records in orders so different that more than "
                    + "\(limits.bytesMax >> 20) MiB lie between them: replay them one by one"
            )
        }
        return false
    }

    private func readBlock(
        _ base: inout Base,
        partition index: Int
    ) throws(SourceError) -> RecordBlock {
        var block = RecordBlock()
        try base.fetch(partition: index) { block.append($0, $1, $2) }
        return block
    }

    /// Lets go of what all readers have taken.
    private func release(_ state: inout State, _ index: Int) {
        if state.queues[index].release() { wake(&state) }
    }

    private func wake(_ state: inout State) {
        for reader in state.isBlocked.indices where state.isBlocked[reader] {
            state.isBlocked[reader] = false
            signals[reader].signal()
        }
    }

    /// Waits for the others, or for the source: it is looked at again by the next fetch.
    private func wait(reader: Int, milliseconds: Int) {
        let isBlocked = state.withLock { state in
            if !state.isBlocked[reader] { state.base.wait(milliseconds: 0) }
            return state.isBlocked[reader]
        }
        let time = isBlocked ? milliseconds : min(milliseconds, 1)
        _ = signals[reader].wait(timeout: .now() + .milliseconds(time))
    }

    private func leave(_ reader: Int) {
        state.withLock { state in
            state.hasLeft[reader] = true
            for index in state.queues.indices {
                state.queues[index].positions[reader] = .max
                _ = state.queues[index].release()
            }
            wake(&state)
        }
    }
}

/// How much a shared pass holds between its fastest and its slowest reader.
public struct SharedPassLimits: Sendable {
    /// Bytes of payload at which a reader that is ahead waits, divided among the partitions; one fetch of
    /// each partition is held in any case.
    public var bytes: Int
    /// Bytes of payload beyond which readers that wait for each other give up.
    public var bytesMax: Int

    public init(bytes: Int = 64 << 20, bytesMax: Int = 512 << 20) {
        self.bytes = bytes
        self.bytesMax = bytesMax
    }
}
