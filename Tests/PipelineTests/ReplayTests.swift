import Configure
import Events
import Foundation
import Generate
import Learn
import Pipeline
import Snapshot
import Source
import TestSupport
import Testing

@Suite("A replay")
struct ReplayTests {
    @Test("twice ends in the same state, with some of every flaw in it")
    func twice() throws {
        let stream = try EventStream(events: 6_000, seed: 1)
        let first = try StateFolder(configuration()).replay(stream)
        let second = try StateFolder(configuration()).replay(stream)
        expectSame(first, second)
        #expect(first.summary.consumed.total == stream.count)
        #expect(first.summary.disordered == 0)
        #expect(first.summary.streamTime == stream.lastTime)
        for place in [Place.applied, .duplicate, .late, .orphaned, .pending] {
            #expect(first.summary[place].total > 0, "\(place)")
        }
        #expect(first.summary.trained.ctr > 1_000)
        #expect(first.summary.skippedUpdates == 0)
        #expect(!first.examples.isEmpty)

        let other = try StateFolder(configuration { $0.learn.seed = 2 }).replay(stream)
        #expect(other.digest != first.digest)
    }

    @Test("does not depend on the sizes and the interleaving of fetches", arguments: 1...8)
    func batches(seed: Int) throws {
        let stream = try EventStream(events: 3_000, seed: 2)
        let plain = try StateFolder(configuration()).replay(stream)
        let batchMax = [1, 2, 3, 7, 40, 256, 1_000, 5_000][seed - 1]
        let other = try StateFolder(configuration())
            .replay(stream, batchMax: batchMax, seed: UInt64(seed))
        expectSame(plain, other, "batches of up to \(batchMax), seed \(seed)")
    }

    @Test("of files ends in the state of the same records from elsewhere")
    func files() throws {
        let settings = EventStream.settings(events: 3_000, seed: 3)
        let stream = try EventStream(settings, partitionCounts: [3, 3, 3])
        let events = try TemporaryFolder()
        var feed = StreamFeed(
            try StreamGenerator(settings),
            to: try EventFolder(events.path("stream"), partitionCount: 3)
        )
        try feed.send()
        try feed.sink.finish(report: [])

        let memory = try StateFolder(configuration()).replay(stream)
        let state = try StateFolder(configuration())
        state.now = stream.lastTime
        let loop = try state.loop {
            try FileSource(
                folder: events.path("stream"),
                recordBytesMax: 1 << 20,
                resume: $0.mapValues { ResumePoint(position: $0) }
            )
        }
        let files = try state.finish(loop)
        #expect(files.digest == memory.digest)
        let hasSameExamples = files.examples == memory.examples
        #expect(hasSameExamples)
        #expect(files.progress.map(\.position) == memory.progress.map(\.position))
        #expect(files.progress.map(\.lastPayloadHash) == memory.progress.map(\.lastPayloadHash))
    }

    @Test("advanced to a time closes every window before it, and nothing else does")
    func advance() throws {
        let stream = try EventStream(events: 2_000, seed: 4).untilLastImpression
        let open = try StateFolder(configuration()).replay(stream)
        #expect(open.openImpressions > 0)
        #expect(open.summary.pending.total > 0)
        let end = stream.lastTime + 60_000
        let closed = try StateFolder(configuration()).replay(stream, advanceTo: end)
        #expect(closed.summary.streamTime == end)
        #expect(closed.openImpressions == 0)
        #expect(closed.heldEvents == 0)
        #expect(closed.summary.pending.total == 0)
        #expect(closed.summary.consumed == open.summary.consumed)
        // The state that was left open is continued by nothing but the time.
        let state = try StateFolder(configuration())
        try state.replay(stream)
        expectSame(try state.replay(stream, advanceTo: end), closed)
    }
}

@Suite("A stopped replay")
struct StoppedReplayTests {
    /// Uninterrupted runs, by the seed of their stream.
    private func whole(_ stream: EventStream, _ end: Int64) throws -> EndState {
        try StateFolder(configuration()).replay(stream, advanceTo: end)
    }

    @Test(
        "goes on as if it had never stopped",
        arguments: [[1], [17], [700], [1_501], [2_999], [3_000], [1, 2, 3, 1_000, 1_001, 2_500]]
    )
    func stops(points: [Int]) throws {
        let stream = try EventStream(events: 3_000, seed: 5)
        let end = stream.lastTime + 10_000
        let state = try StateFolder(configuration())
        for (number, point) in points.enumerated() {
            let stopped = try state.replay(
                stream,
                batchMax: 50,
                seed: UInt64(number),
                every: .events(point),
                stopsAt: point
            )
            #expect(stopped.summary.consumed.total == point)
        }
        let last = try state.replay(stream, advanceTo: end)
        expectSame(last, try whole(stream, end), "stopped at \(points)")
        #expect(last.summary.consumed.total == stream.count)
        #expect(last.summary.disordered == 0)
    }

    @Test("whose last events were not saved reads them again, and its files are cut back")
    func crash() throws {
        let stream = try EventStream(events: 3_000, seed: 6)
        let end = stream.lastTime + 10_000
        let state = try StateFolder(configuration())
        var random = SeededGenerator(seed: 6)
        var longest = 0
        for crash in 0..<5 {
            let every = Int.random(in: 200...900, using: &random)
            let saved = try state.resumed()?.body.summary.consumed.total ?? 0
            let crashAt = saved + every + Int.random(in: 1...600, using: &random)
            var loop = try state.loop(every: .events(every)) {
                MemorySource(stream, start: $0, batchMax: 30, seed: UInt64(crash))
            }
            var consumed = 0
            _ = try loop.run(
                shouldStop: { consumed >= crashAt },
                observe: { consumed = $0.consumed }
            )
            // What the crash leaves: the snapshots so far, and side files beyond them.
            try state.writer.finish()
            try loop.pipeline.syncSideFiles()
            longest = max(longest, state.folder.read("examples.jsonl").count)
            let body = try #require(try state.resumed()).body
            #expect(body.summary.consumed.total <= consumed)
            #expect(
                body.sideFiles["examples"] ?? 0 <= Int64(state.folder.read("examples.jsonl").count)
            )
        }
        #expect(longest > 0)
        expectSame(try state.replay(stream, advanceTo: end), try whole(stream, end))
    }

    @Test("without its files of examples is refused, naming the file")
    func missingExamples() throws {
        let stream = try EventStream(events: 3_000, seed: 7)
        let state = try StateFolder(configuration())
        try state.replay(stream, every: .events(2_000), stopsAt: 2_000)
        _ = try state.folder.write("", to: "examples.jsonl")
        let error = #expect(throws: PipelineError.self) { try state.replay(stream) }
        #expect(error?.description.contains("examples.jsonl has 0 bytes") == true)
    }

    @Test("whose topics have more partitions by then ends as if they had always been there")
    func grown() throws {
        let full = try EventStream(events: 3_000, seed: 10, partitionCounts: [3, 2, 2])
        let half = full.prefix(through: (full.firstTime + full.lastTime) / 2)
        // Before, nobody had written to the last partition of impressions and the first of clicks
        // and conversions; these partitions did not exist.
        let added = [2, 3, 5]
        var before = half
        var always = full
        for lane in added {
            before.records[lane] = []
            always.records[lane].removeAll { $0.time <= half.lastTime }
        }
        before.removePartitions(added)
        let state = try StateFolder(configuration())
        let first = try state.replay(before)
        #expect(first.openImpressions > 0 && first.heldEvents > 0)
        expectSame(
            try state.replay(always),
            try StateFolder(configuration()).replay(always)
        )
    }

    @Test("of which a partition is gone is refused, naming it")
    func vanished() throws {
        let stream = try EventStream(events: 2_000, seed: 8, partitionCounts: [2, 2, 1])
        let state = try StateFolder(configuration())
        try state.replay(stream)
        let fewer = try EventStream(events: 2_000, seed: 8, partitionCounts: [2, 1, 1])
        let error = #expect(throws: PipelineError.self) { try state.replay(fewer) }
        #expect(error?.description.contains("clicks/1") == true)
    }

    @Test("is refused with other files than it began with", arguments: [true, false])
    func files(isAdded: Bool) throws {
        let events = try TemporaryFolder()
        let folder = events.path("stream")
        let settings = EventStream.settings(events: 2_000, seed: 9)
        var feed = StreamFeed(
            try StreamGenerator(settings),
            to: try EventFolder(folder, partitionCount: 2)
        )
        try feed.send()
        try feed.sink.finish(report: [])
        let state = try StateFolder(configuration())
        func run() throws -> EndState {
            try state.finish(
                state.loop {
                    try FileSource(
                        folder: folder,
                        recordBytesMax: 1 << 20,
                        resume: $0.mapValues { ResumePoint(position: $0) }
                    )
                }
            )
        }
        _ = try run()
        if isAdded {
            _ = try events.write("", to: "stream/clicks-2.jsonl")
        } else {
            try FileManager.default.removeItem(atPath: folder + "/clicks-1.jsonl")
        }
        let error = #expect(throws: SourceError.self) { _ = try run() }
        #expect(error?.description.contains(isAdded ? "clicks-2" : "clicks-1") == true)
    }
}
