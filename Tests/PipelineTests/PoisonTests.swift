import Configure
import Decode
import Events
import Pipeline
import Snapshot
import TestSupport
import Testing

@Suite("Poison")
struct PoisonTests {
    /// A bad record: its payload (nil is null), made with the event time of its neighbour.
    private struct Bad: Sendable {
        var role: Role
        var reason: RejectionReason
        var payload: @Sendable (Int64) -> String?

        init(
            _ role: Role,
            _ reason: RejectionReason,
            _ payload: @escaping @Sendable (Int64) -> String?
        ) {
            self.role = role
            self.reason = reason
            self.payload = payload
        }
    }

    private static let bad = [
        Bad(.impression, .malformedJSON) { #"{"impression_id":"p","ts":\#($0)"# },
        Bad(.impression, .malformedJSON) {
            #"{"impression_id":"p","ts":\#($0),"features":{"price":NaN}}"#
        },
        Bad(.impression, .malformedJSON) {
            #"{"impression_id":"p","ts":\#($0),"features":{"price":Infinity}}"#
        },
        Bad(.click, .malformedJSON) { _ in "\u{0}\u{1} not JSON" },
        Bad(.impression, .nonFinite) {
            #"{"impression_id":"p","ts":\#($0),"features":{"price":1e999}}"#
        },
        Bad(.impression, .wrongType) { #"{"impression_id":"p","ts":"\#($0)"}"# },
        Bad(.impression, .wrongType) { #"{"impression_id":["p"],"ts":\#($0)}"# },
        Bad(.impression, .wrongType) {
            #"{"impression_id":"p","ts":\#($0),"features":{"user":[1,2]}}"#
        },
        Bad(.impression, .wrongType) {
            #"{"impression_id":"p","ts":\#($0),"features":{"recent":7}}"#
        },
        Bad(.click, .wrongType) { #"{"impression_id":{"id":1},"ts":\#($0)}"# },
        Bad(.impression, .missingField) { #"{"ts":\#($0),"features":{}}"# },
        Bad(.click, .missingField) { #"{"click_id":"k","ts":\#($0)}"# },
        Bad(.conversion, .missingField) { #"{"event_id":"o","ts":\#($0)}"# },
        Bad(.impression, .missingField) { _ in #"{"impression_id":"p"}"# },
        Bad(.impression, .nullPayload) { _ in nil },
        Bad(.conversion, .nullPayload) { _ in nil },
        Bad(.impression, .recordTooLarge) {
            let long = String(repeating: "x", count: 2_000_000)
            return #"{"impression_id":"p","ts":\#($0),"features":{"user":"\#(long)"}}"#
        },
        Bad(.impression, .timeTooEarly) { _ in #"{"impression_id":"p","ts":0}"# },
        Bad(.click, .timeTooEarly) { _ in #"{"impression_id":"p","ts":-1}"# },
        Bad(.impression, .timeTooEarly) { #"{"impression_id":"p","ts":\#($0 / 1_000)}"# },
        Bad(.impression, .timeTooFarAhead) { _ in
            #"{"impression_id":"p","ts":32503680000000}"#
        },
        Bad(.conversion, .timeTooFarAhead) { #"{"impression_id":"p","ts":\#($0 * 1_000)}"# },
    ]

    /// Where a bad record stands.
    private struct Place {
        var lane: Int
        var offset: Int
        var bad: Bad
        var payload: String?
    }

    /// The stream with every bad record in it several times, also as first and last of a partition.
    private func poisoned(
        _ clean: EventStream,
        seed: UInt64
    ) -> (stream: EventStream, places: [Place]) {
        var stream = clean
        var random = SeededGenerator(seed: seed)
        var insertions: [[(before: Int, bad: Bad)]] = clean.records.map { _ in [] }
        for (index, bad) in Self.bad.enumerated() {
            let lanes = clean.partitions.indices.filter { clean.partitions[$0].role == bad.role }
            for repetition in 0..<3 {
                let lane = lanes[(index + repetition) % lanes.count]
                let count = clean.records[lane].count
                let before =
                    index % 5 == 0
                    ? 0 : index % 5 == 1 ? count : .random(in: 0...count, using: &random)
                insertions[lane].append((before, bad))
            }
        }
        var places: [Place] = []
        for lane in stream.records.indices {
            var records: [MemoryRecord] = []
            let sorted = insertions[lane].sorted { $0.before < $1.before }
            var rest = sorted[...]
            for index in 0...clean.records[lane].count {
                while let first = rest.first, first.before == index {
                    rest.removeFirst()
                    let neighbour = clean.records[lane][max(0, index - 1)]
                    let payload = first.bad.payload(neighbour.time)
                    places.append(
                        Place(lane: lane, offset: records.count, bad: first.bad, payload: payload)
                    )
                    records.append(
                        MemoryRecord(
                            time: neighbour.time,
                            timestamp: neighbour.timestamp,
                            payload: payload.map { Array($0.utf8) },
                            arrival: neighbour.arrival
                        )
                    )
                }
                if index < clean.records[lane].count { records.append(clean.records[lane][index]) }
            }
            stream.records[lane] = records
        }
        return (stream, places)
    }

    private struct Line: Hashable {
        var topic: String
        var partition: Int
        var offset: Int
        var reason: String
    }

    private func lines(_ state: StateFolder) throws -> [Line: [String: Any]] {
        let lines = try state.folder.lines("quarantine.jsonl").map { line in
            let place = Line(
                topic: try #require(line["topic"] as? String),
                partition: try #require(line["partition"] as? Int),
                offset: try #require(line["offset"] as? Int),
                reason: try #require(line["reason"] as? String)
            )
            return (place, line)
        }
        return try Dictionary(lines) { _, line in
            throw CommandFailure("quarantined twice: \(line)")
        }
    }

    @Test(
        "is quarantined with its place and reason, and changes nothing",
        arguments: [false, true]
    )
    func quarantined(keepsPayloads: Bool) throws {
        let seed: UInt64 = 40
        let clean = try EventStream(events: 3_000, seed: seed)
        let (stream, places) = poisoned(clean, seed: seed)
        let state = try StateFolder(
            configuration { $0.decode.keepsRejectedPayloads = keepsPayloads }
        )
        // Stopped in the middle, so that the quarantine file is cut back and continued.
        try state.replay(stream, batchMax: 20, seed: 1, every: .events(1_500), stopsAt: 1_500)
        let end = try state.replay(stream, batchMax: 20, seed: 2)
        let without = try StateFolder(configuration()).replay(clean)
        #expect(end.digest == without.digest)
        let hasSameExamples = end.examples == without.examples
        #expect(hasSameExamples)
        #expect(end.summary.quarantined.total == places.count)
        #expect(end.summary.consumed.total == clean.count + places.count)
        #expect(end.summary.disordered == 0)
        #expect(without.quarantine.isEmpty)

        let lines = try lines(state)
        #expect(lines.count == places.count)
        for place in places {
            let partition = stream.partitions[place.lane]
            let line = lines[
                Line(
                    topic: partition.name,
                    partition: Int(partition.number),
                    offset: place.offset,
                    reason: place.bad.reason.rawValue
                )
            ]
            let found = try #require(line, "\(partition) \(place.offset) \(place.bad.reason)")
            #expect((found["detail"] as? String)?.isEmpty == false)
            let payload = found["payload"] as? String
            if keepsPayloads {
                // What was too large was not read.
                let kept = place.bad.reason == .recordTooLarge ? "" : place.payload ?? ""
                #expect(payload == kept)
            } else {
                #expect(payload == nil)
            }
            let detail = found["detail"] as? String ?? ""
            if place.payload?.contains(#""ts":1767225"#) == true, place.bad.reason == .timeTooEarly
            {
                #expect(detail.contains("it looks like seconds"))
            }
        }
    }

    @Test("does not disturb a live run either")
    func live() throws {
        let clean = try EventStream(events: 1_500, seed: 41).arriving(within: 1_000, seed: 4)
        let (stream, places) = poisoned(clean, seed: 41)
        let clock = TestClock(clean.firstTime, seed: 4)
        let state = try StateFolder(configuration())
        var loop = try state.loop(clock: clock) {
            MemorySource(stream, start: $0, batchMax: 30, seed: 4, clock: clock)
        }
        let until = clean.lastTime + 10_000
        _ = try loop.run(shouldStop: { clock.now >= until }, observe: { _ in })
        try loop.finish()
        let live = try state.end(loop.pipeline)
        #expect(live.summary.quarantined.total == places.count)
        #expect(live.summary.disordered == 0)
        let replay = try StateFolder(configuration())
            .replay(clean, advanceTo: live.summary.streamTime)
        #expect(live.digest == replay.digest)
    }

    @Test("stops the run beyond the configured number, and not at it")
    func limit() throws {
        let clean = try EventStream(events: 1_000, seed: 42)
        let (stream, places) = poisoned(clean, seed: 42)
        let enough = try StateFolder(
            configuration { $0.quarantine.rejectedMax = places.count }
        ).replay(stream)
        #expect(enough.summary.consumed.total == stream.count)

        let state = try StateFolder(
            configuration { $0.quarantine.rejectedMax = places.count - 1 }
        )
        for _ in 0..<2 {
            let error = #expect(throws: PipelineError.self) {
                try state.replay(stream, every: .events(100))
            }
            let text = error?.description ?? ""
            #expect(text.contains("quarantine.max_rejected: \(places.count - 1)"), "\(text)")
            #expect(text.contains(" offset "), "\(text)")
            #expect(!text.contains("\n"))
            try state.writer.finish()
        }
        // What was saved before is good: without the limit the run goes on.
        #expect(try state.resumed() != nil)
    }
}
