import Events
import Source
import Synchronization
import TestSupport

/// The time of a live run, told by the test.
final class TestClock: Sendable {
    private struct State {
        var now: Int64
        var random: SeededGenerator
    }

    private let state: Mutex<State>

    init(_ start: Int64, seed: UInt64) {
        state = Mutex(State(now: start, random: SeededGenerator(seed: seed)))
    }

    var now: Int64 { state.withLock { $0.now } }

    /// Goes on by 1 to 60 milliseconds.
    func tick() -> Int64 {
        state.withLock { state in
            state.now += Int64.random(in: 1...60, using: &state.random)
            return state.now
        }
    }
}

/// Hands over records in memory, in batches of random sizes; live, when they have arrived.
struct MemorySource: RecordSource {
    let partitions: [Partition]
    let startPositions: [Int64]
    private let records: [[MemoryRecord]]
    private let clock: TestClock?
    private let batchMax: Int
    private var random: SeededGenerator
    private var next: [Int]
    /// Whether the last fetch found nothing beyond what it handed over.
    private var isCaughtUp: [Bool]

    /// - Parameters:
    ///   - start: the first offset of each partition.
    ///   - batchMax: records handed over by a fetch, at most.
    ///   - clock: nil: everything is there, as in a replay.
    init(
        _ stream: EventStream,
        start: [Partition: ResumePoint] = [:],
        batchMax: Int = 256,
        seed: UInt64 = 0,
        clock: TestClock? = nil
    ) {
        partitions = stream.partitions
        records = stream.records
        self.clock = clock
        self.batchMax = batchMax
        random = SeededGenerator(seed: seed)
        startPositions = stream.partitions.map { start[$0]?.position ?? 0 }
        next = startPositions.map(Int.init)
        isCaughtUp = next.map { _ in false }
    }

    mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        // 0 now and then, as from a broker that has not answered yet.
        var left = Int.random(in: 0...batchMax, using: &random)
        while left > 0, let record = following(index) {
            let header = RecordHeader(offset: Int64(next[index]), timestamp: record.timestamp)
            if let payload = record.payload {
                receive(header, .payload, payload.span)
            } else {
                receive(header, .null, Span())
            }
            next[index] += 1
            left -= 1
        }
        isCaughtUp[index] = following(index) == nil
    }

    func isAtEnd(partition index: Int) -> Bool {
        clock == nil ? next[index] == records[index].count : isCaughtUp[index]
    }

    /// The next record, if it has arrived.
    private func following(_ index: Int) -> MemoryRecord? {
        guard next[index] < records[index].count else { return nil }
        let record = records[index][next[index]]
        if let clock, record.arrival > clock.now { return nil }
        return record
    }
}
