import Configure
import Events
import Order
import Pipeline
import Snapshot
import TestSupport
import Testing

extension EventStream {
    /// Lets every record arrive up to `delay` milliseconds after its event time; a partition's records
    /// arrive in their order.
    func arriving(within delay: Int64, seed: UInt64) -> EventStream {
        var stream = self
        var random = SeededGenerator(seed: seed)
        for lane in stream.records.indices {
            var last = Int64.min
            for index in stream.records[lane].indices {
                let time = stream.records[lane][index].time
                last = max(last, time + Int64.random(in: 0...delay, using: &random))
                stream.records[lane][index].arrival = last
            }
        }
        return stream
    }
}

@Suite("A live run")
struct LiveTests {
    /// Runs live until the clock has reached `until`, from the newest snapshot of the folder.
    private func live(
        _ stream: EventStream,
        in state: StateFolder,
        clock: TestClock,
        until: Int64,
        seed: UInt64,
        readsAhead: Bool = false
    ) throws -> EndState {
        var loop = try state.loop(
            every: .duration(7_000),
            clock: clock,
            readsAhead: readsAhead
        ) {
            MemorySource(stream, start: $0, batchMax: 60, seed: seed, clock: clock)
        }
        let hasEnded = try loop.run(shouldStop: { clock.now >= until }, observe: { _ in })
        #expect(!hasEnded)
        try loop.finish()
        return try state.end(loop.pipeline)
    }

    @Test(
        "ends in the state of the replay that is advanced to its time",
        arguments: 1...4,
        [false, true]
    )
    func equalsReplay(seed: UInt64, readsAhead: Bool) throws {
        let stream = try EventStream(events: 4_000, seed: 20 + seed)
            .arriving(within: 1_500, seed: seed)
        let clock = TestClock(stream.firstTime - 1_000, seed: seed)
        // Stops in the middle, too, and goes on some seconds later.
        let state = try StateFolder(configuration())
        let span = stream.lastTime - stream.firstTime
        for part in [span / 3, span / 2, span + 15_000] {
            _ = try live(
                stream,
                in: state,
                clock: clock,
                until: stream.firstTime + part,
                seed: seed,
                readsAhead: readsAhead
            )
            for _ in 0..<100 { _ = clock.tick() }
        }
        let live = try live(
            stream,
            in: state,
            clock: clock,
            until: clock.now + 1_000,
            seed: seed,
            readsAhead: readsAhead
        )
        #expect(live.summary.consumed.total == stream.count, "seed \(seed)")
        #expect(live.summary.disordered == 0, "seed \(seed)")

        let time = try #require(live.summary.streamTime)
        #expect(time > stream.lastTime + 15_000)
        let replay = try StateFolder(configuration()).replay(stream, advanceTo: time)
        expectSame(live, replay, "seed \(seed)")
    }

    @Test("follows the clock while it is idle, so that its windows close")
    func idle() throws {
        let stream = try EventStream(events: 1_000, seed: 31).untilLastImpression
            .arriving(within: 500, seed: 1)
        let end = stream.lastTime + 60_000
        let state = try StateFolder(configuration())
        let clock = TestClock(stream.firstTime, seed: 1)
        let idle = try live(stream, in: state, clock: clock, until: end, seed: 1)
        #expect(idle.openImpressions == 0)
        #expect(idle.summary.pending.total == 0)
        let time = try #require(idle.summary.streamTime)
        #expect(time <= clock.now - 2_000 && time > clock.now - 3_000)

        let held = try StateFolder(configuration { $0.order.idleAdvance = false })
        let waiting = try live(
            stream,
            in: held,
            clock: TestClock(stream.firstTime, seed: 1),
            until: end,
            seed: 1
        )
        #expect(waiting.summary.streamTime == stream.lastTime)
        #expect(waiting.openImpressions > 0)
        expectSame(waiting, try StateFolder(configuration()).replay(stream))
    }

    @Test("applies and counts what comes later than the ordering delay")
    func disorder() throws {
        let stream = try EventStream(events: 3_000, seed: 32).arriving(within: 6_000, seed: 2)
        let state = try StateFolder(configuration())
        let clock = TestClock(stream.firstTime, seed: 2)
        let live = try live(
            stream,
            in: state,
            clock: clock,
            until: stream.lastTime + 20_000,
            seed: 2
        )
        #expect(live.summary.consumed.total == stream.count)
        #expect(live.summary.disordered > 0)
    }

    @Test("waits for no partition that has never had a record")
    func emptyPartition() throws {
        let counts = [40, 3, 2]
        let stream = try EventStream(
            EventStream.settings(events: 300, seed: 33),
            partitionCounts: counts
        ).arriving(within: 100, seed: 3)
        var silent = stream
        for lane in 0..<20 { silent.records[lane] = [] }
        let state = try StateFolder(configuration())
        let clock = TestClock(silent.firstTime, seed: 3)
        let live = try live(
            silent,
            in: state,
            clock: clock,
            until: silent.lastTime + 5_000,
            seed: 3
        )
        #expect(live.summary.consumed.total == silent.count)
        #expect(live.summary.disordered == 0)
    }
}
