import Configure
import Events
import Foundation
import Learn
import Order
import Pipeline
import Snapshot
import Source
import TestSupport
import Testing

@Suite("A state whose configuration gains features")
struct AddedFieldsTests {
    /// The stream has both; the one in front moves all other inputs.
    private static let slot = FeatureField(name: "slot", kind: .categorical(rows: 64))
    private static let hour = FeatureField(name: "hour", kind: .numeric(clip: 3))
    private static let list = FeatureField(name: "unknown", kind: .list(rows: 8, pooling: .mean))

    private func more(_ change: (inout Configuration) -> Void = { _ in }) throws -> Configuration {
        try configuration { configuration in
            configuration.schema.fields.insert(Self.slot, at: 1)
            configuration.schema.fields.insert(Self.list, at: 4)
            configuration.schema.fields.append(Self.hour)
            change(&configuration)
        }
    }

    /// A copy of a state directory, for another configuration.
    private func copy(_ state: StateFolder, _ configuration: Configuration) throws -> StateFolder {
        let folder = try TemporaryFolder()
        try FileManager.default.removeItem(atPath: folder.path)
        try FileManager.default.copyItem(atPath: state.folder.path, toPath: folder.path)
        return try StateFolder(configuration, folder: folder)
    }

    private func half(_ stream: EventStream, events: Int = 2_500) throws -> StateFolder {
        let state = try StateFolder(configuration())
        try state.replay(stream, every: .events(events), stopsAt: events)
        return state
    }

    @Test(
        "goes on where it was: positions, open impressions, books, metrics and all that was learnt"
    )
    func goesOn() throws {
        let stream = try EventStream(events: 5_000, seed: 51)
        let state = try half(stream)
        let before = try #require(state.snapshots().last)
        let grown = try copy(state, more())
        let after = try grown.finish(
            grown.loop { MemorySource(stream, start: $0, batchMax: 64, seed: 1) },
            stopsAt: 0
        )
        #expect(after.progress == before.positions)
        #expect(after.openImpressions > 50)
        for place in Place.allCases { #expect(after.summary[place] == before.summary[place]) }
        #expect(after.summary.streamTime == before.summary.streamTime)
        #expect(after.summary.trained.ctr == before.summary.trained.ctr)
        #expect(after.summary.metrics == before.summary.metrics)
        #expect(after.digest != before.summary.stateDigest)
        // It was saved at once, with the configuration that it now has.
        let saved = try #require(grown.snapshots().last)
        #expect(saved.summary.stateDigest == after.digest)
        #expect(saved.configuration.contains { $0.key == "features.slot.rows" })
        let resumed = try #require(try grown.resumed())
        #expect(resumed.addedFields == nil)
    }

    @Test("predicts as before, to the bit where the inputs keep their places")
    func predictions() throws {
        let stream = try EventStream(events: 3_000, seed: 52)
        let state = try half(stream)
        let atEnd = try configuration { $0.schema.fields += [Self.hour, Self.slot] }
        var random = SeededGenerator(seed: 4)
        let impressions = (0..<300).map { _ in
            [
                UInt32.random(in: 0...512, using: &random), .random(in: 0...256, using: &random), 2,
                .random(in: 0...256, using: &random), .random(in: 0..<256, using: &random),
                Float.random(in: 0...300, using: &random).bitPattern,
                .random(in: 0...3, using: &random),
            ]
        }
        let old = try predict(impressions, state, stream)
        let number = Float(17).bitPattern
        let extended = try predict(
            impressions.map { $0 + [number, 5] },
            copy(state, atEnd),
            stream
        )
        #expect(extended == old)
        // Elsewhere the same terms are added up in another order.
        let inserted = impressions.map { words in
            [words[0], 9] + words[1...4] + [2, 3, 8] + words[5...] + [number]
        }
        let moved = try predict(inserted, copy(state, more()), stream)
        for (one, other) in zip(old, moved) {
            #expect(abs(one.ctr - other.ctr) < 1e-6)
            #expect(abs(one.cvr - other.cvr) < 1e-6)
            #expect(abs(one.ctcvr - other.ctcvr) < 1e-6)
        }
    }

    private func predict(
        _ impressions: [[UInt32]],
        _ state: StateFolder,
        _ stream: EventStream
    ) throws -> [Probabilities] {
        let resumed = try state.resumed()
        var points: [Partition: ResumePoint] = [:]
        for progress in resumed?.progress ?? [] {
            points[progress.partition] = ResumePoint(
                position: progress.position,
                lastPayloadHash: progress.lastPayloadHash
            )
        }
        var pipeline = try Pipeline(
            settings: state.settings,
            source: MemorySource(stream, start: points, batchMax: 64, seed: 1),
            state: resumed,
            logger: .silent
        )
        return impressions.map { words in
            var words = words
            var span = words.mutableSpan
            return pipeline.predict(features: &span)
        }
    }

    @Test("learns what the new features tell, and labels the old impressions all the same")
    func learns() throws {
        let stream = try EventStream(events: 6_000, seed: 53)
        let state = try half(stream)
        let old = try copy(state, configuration()).replay(stream)
        let grown = try copy(state, more())
        let new = try grown.replay(stream)
        for place in Place.allCases { #expect(new.summary[place] == old.summary[place]) }
        #expect(new.summary.trained.ctr == old.summary.trained.ctr)
        #expect(new.summary.skippedUpdates == 0)
        let lines = try (old.exampleLines(), new.exampleLines())
        #expect(lines.0.count == lines.1.count)
        for (one, other) in zip(lines.0, lines.1) {
            #expect(one["impression_id"] as? String == other["impression_id"] as? String)
            #expect(one["ctr_label"] as? Int == other["ctr_label"] as? Int)
        }
        // Impressions of before the change have kept their predictions, later ones got others.
        let differing = zip(lines.0, lines.1).filter { one, other in
            (one["ctr"] as? Double) != (other["ctr"] as? Double)
        }
        #expect(differing.count > 500)
        // The inserted field's columns, dimension 4 from input 4 on, are no longer 0.
        let last = try #require(try grown.resumed())
        let pipeline = try Pipeline(
            settings: grown.settings,
            source: MemorySource(stream, start: [:], batchMax: 64, seed: 1),
            state: last,
            logger: .silent
        )
        let network = pipeline.copyState().learner.network
        let tensors = NetworkTensors(
            schema: grown.configuration.schema,
            settings: grown.configuration.learn.network
        )
        let first = try #require(tensors.all.first { $0.name == "expert.0.0.weight" })
        let columns = (0..<first.shape[0]).flatMap { row in
            let start = first.range.lowerBound + row * first.shape[1]
            return network.parameters[start + 4..<start + 8]
        }
        #expect(columns.contains { $0 != 0 })
        #expect(network.parameters.allSatisfy { $0.isFinite })
    }

    @Test("killed and resumed at any place ends as if undisturbed", arguments: 1...4)
    func interrupted(seed: UInt64) throws {
        let stream = try EventStream(events: 5_000, seed: 54)
        let state = try half(stream)
        let undisturbed = try copy(state, more()).replay(stream)
        var random = SeededGenerator(seed: seed)
        let other = try copy(state, more())
        var stop = 2_500
        while stop < 4_500 {
            stop += Int.random(in: 1...900, using: &random)
            // What comes after the last snapshot is lost, and done again.
            try other.replay(
                stream,
                batchMax: 50,
                seed: seed,
                every: .events(stop),
                stopsAt: stop
            )
        }
        expectSame(try other.replay(stream, batchMax: 7), undisturbed, "seed \(seed)")
    }

    @Test("ends live as in the replay that gained them at the same record", arguments: 1...2)
    func liveEqualsReplay(seed: UInt64) throws {
        let stream = try EventStream(events: 4_000, seed: 55).arriving(within: 1_500, seed: seed)
        let clock = TestClock(stream.firstTime - 1_000, seed: seed)
        let isHeld = { (configuration: inout Configuration) in
            configuration.order.idleAdvance = false
        }
        let first = try StateFolder(configuration(isHeld))
        let span = stream.lastTime - stream.firstTime
        let half = try live(stream, first, clock, until: stream.firstTime + span / 6, seed)
        let events = half.summary.consumed.total
        #expect((500...3_500).contains(events))
        let grown = try StateFolder(more(isHeld), folder: first.folder)
        let end = try live(stream, grown, clock, until: stream.lastTime + 10_000, seed)
        #expect(end.summary.consumed.total == stream.count)
        #expect(end.summary.disordered == 0)

        let replayed = try StateFolder(configuration(isHeld))
        try replayed.replay(stream, every: .events(events), stopsAt: events)
        let again = try StateFolder(more(isHeld), folder: replayed.folder)
        expectSame(try again.replay(stream), end, "seed \(seed)")
    }

    private func live(
        _ stream: EventStream,
        _ state: StateFolder,
        _ clock: TestClock,
        until: Int64,
        _ seed: UInt64
    ) throws -> EndState {
        var loop = try state.loop(every: .duration(7_000), clock: clock) {
            MemorySource(stream, start: $0, batchMax: 60, seed: seed, clock: clock)
        }
        _ = try loop.run(shouldStop: { clock.now >= until }, observe: { _ in })
        try loop.finish()
        return try state.end(loop.pipeline)
    }

    @Test("a snapshot that has not what its features need is refused")
    func refusal() throws {
        let stream = try EventStream(events: 3_000, seed: 56)
        let state = try half(stream)
        // The snapshot is of five features, and is said to be of four of them.
        var fewer = try configuration()
        fewer.schema.fields.remove(at: 3)
        let grown = try copy(state, configuration())
        var resumed = try #require(try grown.resumed())
        resumed.addedFields = AddedFields(
            from: fewer.schema,
            to: try configuration().schema
        )
        let error = #expect(throws: PipelineError.self) {
            _ = try Pipeline(
                settings: grown.settings,
                source: MemorySource(stream, start: [:], batchMax: 64, seed: 1),
                state: resumed,
                logger: .silent
            )
        }
        #expect(error?.description.contains("does not load") == true)
    }
}
