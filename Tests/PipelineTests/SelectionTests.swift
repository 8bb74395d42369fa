import Events
import Pipeline
import Snapshot
import Source
import Testing

@Suite("A selection of the stream")
struct SelectionTests {
    @Test("by time, one after the other, ends where one replay of everything does")
    func consecutive() throws {
        let stream = try EventStream(events: 4_000, seed: 80)
        let whole = try StateFolder(configuration()).replay(stream)
        let state = try StateFolder(configuration())
        let span = stream.lastTime - stream.firstTime
        for third in 1...2 {
            state.selection = TimeSelection(until: stream.firstTime + span * Int64(third) / 3)
            let part = try state.replay(stream, batchMax: 100, seed: UInt64(third))
            let expected = stream.prefix(through: (state.selection.until ?? 0) - 1)
            #expect(part.summary.consumed.total == expected.count)
            #expect(part.progress.map(\.position) == expected.records.map { Int64($0.count) })
        }
        state.selection = TimeSelection()
        expectSame(try state.replay(stream), whole)
    }

    @Test("by time is in no count where it leaves records out")
    func excluded() throws {
        let stream = try EventStream(events: 3_000, seed: 81)
        let span = stream.lastTime - stream.firstTime
        let (from, until) = (stream.firstTime + span / 4, stream.firstTime + span / 2)
        var inside = stream
        inside.records = stream.records.map { lane in
            lane.filter { from <= $0.time && $0.time < until }
        }
        // The law's positions are those of the filtered stream: offsets differ, counts do not.
        let expected = try StateFolder(configuration()).replay(inside)
        let state = try StateFolder(configuration())
        state.selection = TimeSelection(from: from, until: until)
        state.countsOffsets = false
        let selected = try state.replay(stream)
        #expect(selected.digest == expected.digest)
        #expect(selected.summary.consumed == expected.summary.consumed)
    }

    @Test("without a range of offsets ends as if these had never been, and counts them")
    func skips() throws {
        let stream = try EventStream(events: 3_000, seed: 82)
        let ranges = [
            OffsetRange(topic: "impressions", partition: 1, first: 40, last: 139),
            OffsetRange(topic: "clicks", partition: 0, first: 10, last: 10),
        ]
        var clean = stream
        for range in ranges {
            let lane = try #require(
                stream.partitions.firstIndex {
                    $0.name == range.topic && $0.number == range.partition
                }
            )
            clean.records[lane].removeSubrange(Int(range.first)...Int(range.last))
        }
        let expected = try StateFolder(configuration()).replay(clean)
        let state = try StateFolder(configuration())
        state.skips = ranges
        // What is not passed yet when the run stops is remembered.
        let stopped = try state.replay(stream, every: .events(200), stopsAt: 200)
        #expect(stopped.summary.quarantined.total < 101)
        let remembered = try #require(try state.snapshots().last?.skips)
        #expect(remembered.contains(ranges[0]))
        state.skips = []
        let end = try state.replay(stream)
        #expect(end.digest == expected.digest)
        #expect(end.summary.quarantined.impressions == 100)
        #expect(end.summary.quarantined.clicks == 1)
        #expect(end.summary.consumed.total == stream.count)
        let passed = try #require(try state.snapshots().last)
        #expect(passed.skips.isEmpty)
        let partition = try #require(
            end.summary.partitions.first { $0.partition.name == "clicks" }
        )
        #expect(partition[.quarantined] == 1)
        #expect(partition.isBalanced)
    }

    @Test("of a partition that is not there is an error that names those that are")
    func unknownPartition() throws {
        let stream = try EventStream(events: 100, seed: 83)
        let state = try StateFolder(configuration())
        state.skips = [OffsetRange(topic: "clicks", partition: 3, first: 0, last: 1)]
        let error = #expect(throws: PipelineError.self) { try state.replay(stream) }
        #expect(error?.description.contains("clicks/3") == true)
        #expect(error?.description.contains("clicks/0, clicks/1, clicks/2") == true)
    }

    @Test(
        "of offsets reads TOPIC/PARTITION:FROM-TO",
        arguments: [
            ("clicks/0:5-9", true), ("a/b/c/12:0-0", true), ("clicks/0:9-5", false),
            ("clicks:1-2", false), ("/0:1-2", false), ("clicks/-1:1-2", false),
            ("clicks/0:1", false), ("clicks/0:-1-2", false), ("clicks/0:1-2-3", false), ("", false),
        ]
    )
    func text(text: String, isRange: Bool) {
        #expect((OffsetRange(text) != nil) == isRange)
    }

    @Test("starts where the source stands, also in a partition that has nothing yet")
    func startPositions() throws {
        var stream = try EventStream(events: 500, seed: 84)
        let lane = try #require(stream.partitions.firstIndex { $0.role == .conversion })
        let start = [stream.partitions[lane]: ResumePoint(position: 7)]
        stream.records[lane] = Array(stream.records[lane].prefix(7))
        let state = try StateFolder(configuration())
        state.countsOffsets = false
        let end = try state.finish(state.loop { _ in MemorySource(stream, start: start) })
        #expect(end.progress[lane].position == 7)
    }
}
