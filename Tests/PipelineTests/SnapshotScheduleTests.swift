import Pipeline
import Snapshot
import Testing

@Suite("The snapshot schedule")
struct SnapshotScheduleTests {
    @Test("of events comes whenever the total is divisible by the number, also after a stop")
    func events() throws {
        let stream = try EventStream(events: 3_000, seed: 70)
        let state = try StateFolder(configuration())
        try state.replay(stream, batchMax: 40, seed: 1, every: .events(777), stopsAt: 777)
        try state.replay(stream, batchMax: 40, seed: 2, every: .events(500))
        let totals = try state.snapshots().map(\.summary.consumed.total)
        #expect(totals == [777, 1_000, 1_500, 2_000, 2_500, 3_000])
        #expect(stream.count == 3_000)
    }

    @Test(
        "of a duration comes in a replay with stream time, at the same events whatever the fetches"
    )
    func streamTime() throws {
        let stream = try EventStream(events: 6_000, seed: 71).untilLastImpression
        var points: [[[Int64]]] = []
        for seed in 0..<2 {
            let state = try StateFolder(configuration())
            try state.replay(
                stream,
                batchMax: seed == 0 ? 256 : 7,
                seed: UInt64(seed),
                every: .duration(5_000)
            )
            let snapshots = try state.snapshots().map {
                [Int64($0.summary.consumed.total), try #require($0.summary.streamTime)]
            }
            // Each is the first event of its five seconds; the last is the stream's end.
            let times = snapshots.dropLast().map { $0[1] }
            for (time, following) in zip(times, times.dropFirst()) {
                #expect(following / 5_000 == time / 5_000 + 1)
            }
            for time in times { #expect(time % 5_000 < 100) }
            #expect(times.count > 5)
            // When the first one comes depends on how much the first turn read.
            points.append(Array(snapshots.suffix(6)))
        }
        #expect(points[0] == points[1])
    }

    @Test("says where to stop next")
    func stopPoints() {
        var events = SnapshotSchedule(
            .events(100),
            isLive: false,
            clock: 0,
            consumed: 250,
            streamTime: .min
        )
        #expect(events.next == StopPoint(consumed: 300))
        expectDue(&events, clock: 0, consumed: 299, streamTime: 5, is: false)
        expectDue(&events, clock: 0, consumed: 300, streamTime: 5, is: true)
        #expect(events.next == StopPoint(consumed: 400))

        var replay = SnapshotSchedule(
            .duration(1_000),
            isLive: false,
            clock: 0,
            consumed: 0,
            streamTime: 4_321
        )
        #expect(replay.next == StopPoint(streamTime: 5_000))
        expectDue(&replay, clock: 1_000_000, consumed: 9, streamTime: 4_999, is: false)
        expectDue(&replay, clock: 0, consumed: 9, streamTime: 5_000, is: true)
        #expect(replay.next == StopPoint(streamTime: 6_000))

        var live = SnapshotSchedule(
            .duration(1_000),
            isLive: true,
            clock: 500,
            consumed: 0,
            streamTime: 4_321
        )
        #expect(live.next == StopPoint())
        expectDue(&live, clock: 1_499, consumed: 9, streamTime: 99_000, is: false)
        expectDue(&live, clock: 1_500, consumed: 9, streamTime: 4_321, is: true)
        expectDue(&live, clock: 2_499, consumed: 9, streamTime: 4_321, is: false)
    }

    private func expectDue(
        _ schedule: inout SnapshotSchedule,
        clock: Int64,
        consumed: Int,
        streamTime: Int64,
        is expected: Bool
    ) {
        let isDue = schedule.isDue(clock: clock, consumed: consumed, streamTime: streamTime)
        #expect(isDue == expected, "clock \(clock), \(consumed) events, time \(streamTime)")
    }
}
