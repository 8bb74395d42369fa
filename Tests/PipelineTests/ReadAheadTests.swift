import Configure
import Events
import Foundation
import Pipeline
import Snapshot
import Source
import Synchronization
import TestSupport
import Testing

@Suite("Reading ahead")
struct ReadAheadTests {
    @Test("ends in the state of one thread, with whatever batches and restarts", arguments: 1...4)
    func equalsOneThread(seed: UInt64) throws {
        let stream = try EventStream(events: 6_000, seed: 60 + seed)
        let expected = try StateFolder(configuration()).replay(stream)
        let whole = try StateFolder(configuration()).replay(
            stream,
            batchMax: 90,
            seed: seed,
            readsAhead: true
        )
        expectSame(whole, expected, "seed \(seed)")

        let state = try StateFolder(configuration())
        for stop in [1_500, 1_501, 4_000] {
            try state.replay(
                stream,
                seed: seed,
                every: .events(500),
                readsAhead: true,
                stopsAt: stop
            )
        }
        let resumed = try state.replay(stream, batchMax: 7, seed: seed, readsAhead: true)
        expectSame(resumed, expected, "seed \(seed)")
    }

    @Test("holds no more of a partition than a few batches")
    func bounded() throws {
        let stream = try EventStream(events: 20_000, seed: 70)
        let counter = HandedOver()
        let state = try StateFolder(configuration())
        var loop = try state.loop(readsAhead: true) { points in
            CountingSource(MemorySource(stream, start: points, batchMax: 8), counter)
        }
        // One turn, then nothing: what is read on must come to an end.
        var turns = 0
        _ = try loop.run(
            shouldStop: {
                defer { turns += 1 }
                return turns > 3
            },
            observe: { _ in }
        )
        let consumed = loop.pipeline.consumed
        var last = -1
        while last != counter.count {
            last = counter.count
            Thread.sleep(forTimeInterval: 0.2)
        }
        let held = counter.count - consumed
        // 64 batches in all, of at most 8 records, or 2 of each partition.
        #expect(held <= max(64, 2 * stream.partitions.count) * 8 + 8)
        #expect(counter.count < stream.count)
        try loop.finish()
    }

    @Test("an error of the source comes behind the records before it")
    func failure() throws {
        let stream = try EventStream(events: 3_000, seed: 71)
        let state = try StateFolder(configuration())
        var loop = try state.loop(readsAhead: true) { points in
            FailingSource(MemorySource(stream, start: points, batchMax: 50), after: 100)
        }
        let error = #expect(throws: SourceError.self) {
            _ = try loop.run(shouldStop: { false }, observe: { _ in })
        }
        #expect(error?.description == "the disk is gone")
        let direct = try StateFolder(configuration())
        var other = try direct.loop { points in
            FailingSource(MemorySource(stream, start: points, batchMax: 50), after: 100)
        }
        #expect(throws: SourceError.self) {
            _ = try other.run(shouldStop: { false }, observe: { _ in })
        }
        #expect(loop.pipeline.consumed == other.pipeline.consumed)
        #expect(loop.pipeline.consumed >= 100)
    }

    @Test("nothing is read before the learner's first look at the clock")
    func startsWithTheClock() throws {
        let stream = try EventStream(events: 500, seed: 72)
        let counter = HandedOver()
        let state = try StateFolder(configuration())
        var loop = try state.loop(readsAhead: true) { points in
            CountingSource(MemorySource(stream, start: points), counter)
        }
        Thread.sleep(forTimeInterval: 0.05)
        #expect(counter.count == 0)
        let ended = try loop.run(shouldStop: { false }, observe: { _ in })
        #expect(ended)
        #expect(counter.count == stream.count)
    }

    @Test("what a snapshot has passed is told to the source on its thread, and a commit ends")
    func commits() throws {
        let stream = try EventStream(events: 2_000, seed: 73)
        let counter = HandedOver()
        let state = try StateFolder(configuration())
        var loop = try state.loop(
            every: .duration(1_000),
            clock: TestClock(stream.lastTime + 10_000, seed: 1),
            readsAhead: true
        ) { points in
            CountingSource(MemorySource(stream, start: points), counter)
        }
        var consumed = 0
        _ = try loop.run(
            shouldStop: { consumed >= stream.count },
            observe: { consumed = $0.consumed }
        )
        try loop.finish()
        #expect(counter.committed.reduce(0, +) == Int64(stream.count))
        #expect(counter.hasFinished)
    }

    @Test("a pipeline that is given up ends its thread, full or not yet begun")
    func givenUp() throws {
        let stream = try EventStream(events: 20_000, seed: 74)
        let state = try StateFolder(configuration())
        for turns in [0, 1, 2] {
            var loop = try state.loop(readsAhead: true) { points in
                MemorySource(stream, start: points, batchMax: 16)
            }
            var turn = 0
            _ = try loop.run(
                shouldStop: {
                    defer { turn += 1 }
                    return turn >= turns
                },
                observe: { _ in }
            )
        }
    }
}

/// How many records a source has handed over, and what it was told.
private final class HandedOver: Sendable {
    private struct State {
        var count = 0
        var committed: [Int64] = []
        var hasFinished = false
    }

    private let state = Mutex(State())
    var count: Int { state.withLock { $0.count } }
    var committed: [Int64] { state.withLock { $0.committed } }
    var hasFinished: Bool { state.withLock { $0.hasFinished } }
    func add(_ records: Int) { state.withLock { $0.count += records } }
    func commit(_ positions: [Int64]) { state.withLock { $0.committed = positions } }
    func finish() { state.withLock { $0.hasFinished = true } }
}

/// Counts what it hands over.
private struct CountingSource: RecordSource {
    private var base: MemorySource
    private let counter: HandedOver

    init(_ base: MemorySource, _ counter: HandedOver) {
        (self.base, self.counter) = (base, counter)
    }

    var partitions: [Partition] { base.partitions }
    var startPositions: [Int64] { base.startPositions }

    mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        var records = 0
        try base.fetch(partition: index) {
            records += 1
            receive($0, $1, $2)
        }
        counter.add(records)
    }

    func isAtEnd(partition index: Int) -> Bool { base.isAtEnd(partition: index) }

    mutating func commit(positions: [Int64]) { counter.commit(positions) }

    mutating func finishCommit(milliseconds: Int) { counter.finish() }
}

/// Fails in its first partition after so many records, and is at its end then, as with a damaged last
/// line.
private struct FailingSource: RecordSource {
    private var base: MemorySource
    private var left: Int

    init(_ base: MemorySource, after count: Int) {
        (self.base, left) = (base, count)
    }

    var partitions: [Partition] { base.partitions }
    var startPositions: [Int64] { base.startPositions }

    mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        guard index == 0 else { return try base.fetch(partition: index, into: receive) }
        guard left > 0 else { throw SourceError("the disk is gone") }
        var handed = 0
        let most = left
        try base.fetch(partition: index) {
            handed += 1
            if handed <= most { receive($0, $1, $2) }
        }
        left -= min(handed, most)
        if handed > most { throw SourceError("the disk is gone") }
    }

    func isAtEnd(partition index: Int) -> Bool {
        index == 0 ? left == 0 : base.isAtEnd(partition: index)
    }
}
