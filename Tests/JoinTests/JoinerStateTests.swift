import Events
import Join
import StateCoding
import Testing

/// SplitMix64: a stream that is the same everywhere.
private struct SceneRandom {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ z >> 31) % UInt64(bound))
    }
}

/// Feeds a scene events of few ids in a disordered stream, so that every rule is met.
private func live(_ scene: inout JoinerScene, from start: Int, count: Int, seed: UInt64) {
    var random = SceneRandom(state: seed)
    for step in start..<start + count {
        let time = Int64(step * 3 + random.next(60) - 30)
        let name = "i\(step / 40 + random.next(12))"
        let click = "k\(step / 40 + random.next(12))"
        switch random.next(8) {
        case 0...2: scene.impression(name, at: time)
        case 3...4: scene.click(name, at: time, id: random.next(3) == 0 ? nil : click)
        case 5: scene.conversion(name, at: time, event: "o\(random.next(3))")
        case 6:
            scene.conversion(
                click: click,
                at: time,
                event: random.next(2) == 0 ? nil : "o\(random.next(3))"
            )
        default: scene.advance(to: time + Int64(random.next(20)))
        }
    }
}

private func change(_ settings: inout JoinSettings) {
    settings.closedMemory = 300
    settings.openImpressionsMax = 8
    settings.heldEventsMax = 5
    settings.closedIDsMax = 20
    settings.ctcvrTiming = .settled
}

@Suite("Joiner: state")
struct JoinerStateTests {
    @Test("a joiner that is restarted at any event ends in the same bytes and calls")
    func restart() throws {
        var met: Set<Place> = []
        for seed in UInt64(1)...20 {
            var uninterrupted = JoinerScene(change)
            var restarted = JoinerScene(change)
            for chunk in 0..<20 {
                live(&uninterrupted, from: chunk * 25, count: 25, seed: seed &* 100 + UInt64(chunk))
                live(&restarted, from: chunk * 25, count: 25, seed: seed &* 100 + UInt64(chunk))
                try restarted.restart()
                #expect(uninterrupted.encoded == restarted.encoded, "seed \(seed)")
                #expect(uninterrupted.takeCalls() == restarted.takeCalls(), "seed \(seed)")
            }
            for role in Role.allCases { met.formUnion(restarted.places(role).keys) }
        }
        // The streams are to meet every place but quarantine.
        #expect(met.count == Place.allCases.count - 1)
    }

    @Test("a copy is a snapshot: going on does not change it")
    func copy() {
        var scene = JoinerScene(change)
        live(&scene, from: 0, count: 200, seed: 5)
        let snapshot = scene
        let bytes = scene.encoded
        live(&scene, from: 200, count: 200, seed: 6)
        #expect(snapshot.encoded == bytes)
        #expect(scene.encoded != bytes)
    }

    @Test("counts and stream time are those of the encoded joiner")
    func restoredCounts() throws {
        var scene = JoinerScene(change)
        live(&scene, from: 0, count: 300, seed: 7)
        let before = scene.joiner
        try scene.restart()
        #expect(scene.joiner.streamTime == before.streamTime)
        #expect(scene.joiner.closedThrough == before.closedThrough)
        #expect(scene.joiner.ledger == before.ledger)
        #expect(scene.joiner.openImpressionCount == before.openImpressionCount)
        #expect(scene.joiner.heldEventCount == before.heldEventCount)
        #expect(scene.joiner.closedIDCount == before.closedIDCount)
        #expect(scene.joiner.openFeatures { span in span.count < 29 })
        #expect(!scene.joiner.openFeatures { span in span.count < 2 })
    }

    @Test("an empty joiner survives encoding")
    func empty() throws {
        var scene = JoinerScene()
        try scene.restart()
        #expect(scene.joiner.streamTime == .min)
    }

    @Test("truncated state is refused at every length and changes nothing")
    func truncated() {
        var scene = JoinerScene(change)
        live(&scene, from: 0, count: 120, seed: 11)
        let bytes = scene.encoded
        let joiner = scene.joiner
        for length in 0..<bytes.count {
            var reader = StateReader(Array(bytes[..<length]))
            var decoded = joiner
            #expect(throws: StateError.self) { try decoded.decode(from: &reader) }
            #expect(decoded.ledger == joiner.ledger)
        }
    }

    @Test("altered state is refused or goes on without a trap")
    func altered() {
        var random = SceneRandom(state: 3)
        var scene = JoinerScene(change)
        live(&scene, from: 0, count: 120, seed: 12)
        let bytes = scene.encoded
        var refused = 0
        for position in bytes.indices {
            var mutated = bytes
            mutated[position] = mutated[position] ^ UInt8(1 + random.next(255))
            if position % 3 == 0 { mutated[position] = 0xFF }
            var reader = StateReader(mutated)
            var decoded = Joiner(settings: scene.joiner.settings, partitionCount: 3)
            do {
                try decoded.decode(from: &reader)
            } catch {
                refused += 1
                continue
            }
            #expect(decoded.ledger.isBalanced)
            var sink = SilentSink()
            for name in 0..<12 {
                for role in Role.allCases {
                    decoded.apply(
                        Event(
                            role: role,
                            partition: Int32(role.rawValue),
                            time: 400,
                            impressionID: EventID("i\(name)"),
                            clickID: EventID("k\(name)")
                        ),
                        features: [1].span,
                        text: [2].span,
                        sink: &sink
                    )
                }
            }
            decoded.advance(to: .max, sink: &sink)
            #expect(decoded.ledger.isBalanced)
        }
        #expect(refused > bytes.count / 4)
    }

    @Test("state beyond the limits of the settings is refused by the limit's name")
    func overLimit() {
        var scene = JoinerScene()
        for index in 0..<5 { scene.impression("i\(index)", at: Int64(index)) }
        var smaller = JoinerScene { $0.openImpressionsMax = 4 }.joiner
        var reader = StateReader(scene.encoded)
        let error = #expect(throws: StateError.self) { try smaller.decode(from: &reader) }
        #expect(error?.description.contains("openImpressionsMax") == true)
    }

    @Test("state of fewer partitions than there are now is accepted")
    func morePartitions() throws {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        var larger = Joiner(settings: scene.joiner.settings, partitionCount: 7)
        var reader = StateReader(scene.encoded)
        try larger.decode(from: &reader)
        #expect(larger.ledger.partitionCount == 7)
        #expect(larger.ledger.consumed == [1, 0, 0, 0, 0, 0, 0])
        #expect(larger.ledger.isBalanced)
    }

    @Test("events of many ids all come out as they went in")
    func manyIDs() {
        var scene = JoinerScene {
            $0.closedIDsMax = 700
            $0.clickWindow = 3000
        }
        for index in 0..<12_000 {
            scene.impression("i\(index)", at: Int64(index))
            if index % 3 == 0, index >= 1500 {
                scene.click("i\(index - 1500)", at: Int64(index))
            }
        }
        scene.advance(to: 1_000_000)
        #expect(scene.places(.impression) == [.applied: 12_000])
        #expect(scene.places(.click) == [.applied: 3500])
        #expect(scene.sink.examples.filter { $0.labels.ctr == true }.count == 3500)
        #expect(scene.sink.examples.filter { $0.labels.ctr == false }.count == 8500)
        #expect(scene.joiner.openImpressionCount == 0)
        #expect(scene.joiner.closedIDCount == 0)
    }
}

struct SilentSink: JoinSink {
    mutating func arrive(_: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: 0, cvrLogit: 0)
    }
    mutating func score(_: Example) {}
    mutating func train(_: Example, features: Span<UInt32>, text: Span<UInt8>) {}
}
