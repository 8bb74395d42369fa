import Events
import Join
import Testing

@Suite("Joiner: limits")
struct JoinerLimitTests {
    @Test("at the limit the oldest open impression is dropped untrained and forgotten")
    func openLimit() {
        var scene = JoinerScene { $0.openImpressionsMax = 2 }
        scene.impression("a", at: 0)
        scene.impression("b", at: 1)
        scene.impression("c", at: 2)
        #expect(scene.places(.impression) == [.pending: 2, .dropped: 1])
        #expect(scene.joiner.openImpressionCount == 2)
        scene.click("a", at: 3)  // unknown now: held
        #expect(scene.places(.click) == [.pending: 1])
        scene.advance(to: 1000)
        #expect(scene.places(.impression) == [.applied: 2, .dropped: 1])
        #expect(scene.takeCalls().filter { $0.contains(" a@") } == ["arrive a@0"])
    }

    @Test("the oldest is what was opened first, not what is timed first")
    func oldestByOpening() {
        var scene = JoinerScene { $0.openImpressionsMax = 2 }
        scene.impression("a", at: 50)
        scene.impression("b", at: 0)  // disordered
        scene.impression("c", at: 51)
        scene.advance(to: 1000)
        #expect(scene.takeCalls().filter { $0.contains("train a") } == [])
        #expect(scene.sink.examples.count == 2)
    }

    @Test("a clicked impression that is dropped leaves applied, trains nothing more")
    func dropClicked() {
        var scene = JoinerScene { $0.openImpressionsMax = 1 }
        scene.impression("a", at: 0)
        scene.click("a", at: 1, id: "k")
        scene.impression("b", at: 2)
        #expect(scene.places(.impression) == [.pending: 1, .dropped: 1])
        #expect(scene.places(.click) == [.applied: 1])
        // Its click id is unknown.
        scene.conversion(click: "k", at: 3)
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.advance(to: 1000)
        #expect(scene.takeCalls().filter { $0.contains("train") } == ["train b@102 ctr=0 ctcvr=0"])
    }

    @Test("what is held for a dropped impression stays held")
    func heldForDropped() {
        var scene = JoinerScene { $0.openImpressionsMax = 1 }
        scene.impression("a", at: 0)
        scene.conversion("a", at: 1)
        scene.impression("b", at: 2)
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.impression("a", at: 3)
        scene.click("a", at: 4)
        #expect(scene.places(.conversion) == [.applied: 1])
        #expect(scene.places(.impression) == [.dropped: 2, .applied: 1])
    }

    @Test("at the limit the oldest held event is dropped and forgotten")
    func heldLimit() {
        var scene = JoinerScene { $0.heldEventsMax = 2 }
        scene.click("a", at: 0, id: "k")
        scene.conversion("b", at: 1)
        scene.click("c", at: 2)
        #expect(scene.places(.click) == [.pending: 1, .dropped: 1])
        #expect(scene.joiner.heldEventCount == 2)
        scene.click("a", at: 3)  // forgotten: held anew, the conversion goes
        #expect(scene.places(.click) == [.pending: 2, .dropped: 1])
        #expect(scene.places(.conversion) == [.dropped: 1])
        scene.impression("x", at: 4)
        scene.conversion(click: "k", at: 5)
        scene.click("x", at: 6, id: "k")
        #expect(scene.places(.conversion) == [.applied: 1, .dropped: 1])
    }

    @Test("closed ids are remembered for the closed memory, inclusive")
    func closedMemory() {
        var scene = JoinerScene { $0.closedMemory = 20 }
        scene.impression("a", at: 0)
        scene.advance(to: 101)  // closed at 100
        scene.advance(to: 120)
        #expect(scene.joiner.closedIDCount == 1)
        scene.click("a", at: 120)
        #expect(scene.places(.click) == [.late: 1])
        scene.click("a", at: 121)  // forgotten: held
        #expect(scene.joiner.closedIDCount == 0)
        #expect(scene.places(.click) == [.late: 1, .pending: 1])
    }

    @Test("a forgotten impression's click id is unknown")
    func forgottenClickID() {
        var scene = JoinerScene { $0.closedMemory = 20 }
        scene.impression("a", at: 0)
        scene.click("a", at: 10, id: "k")
        scene.advance(to: 1000)
        #expect(scene.joiner.closedIDCount == 0)
        scene.conversion(click: "k", at: 1000)
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.impression("b", at: 1000)
        scene.click("b", at: 1001, id: "k")
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("at most the configured number of closed ids is remembered, the oldest go first")
    func closedLimit() {
        var scene = JoinerScene { $0.closedIDsMax = 2 }
        for (index, name) in ["a", "b", "c"].enumerated() {
            scene.impression(name, at: Int64(index))
        }
        scene.advance(to: 500)
        #expect(scene.joiner.closedIDCount == 2)
        for name in ["a", "b", "c"] { scene.click(name, at: 500) }
        #expect(scene.places(.click) == [.late: 2, .pending: 1])
    }

    @Test("with no room for closed ids none is remembered")
    func noClosedIDs() {
        var scene = JoinerScene { $0.closedIDsMax = 0 }
        scene.impression("a", at: 0)
        scene.click("a", at: 1, id: "k")
        scene.advance(to: 500)
        #expect(scene.joiner.closedIDCount == 0)
        scene.conversion(click: "k", at: 500)
        scene.impression("a", at: 500)
        #expect(scene.places(.conversion) == [.pending: 1])
        #expect(scene.places(.impression) == [.applied: 1, .pending: 1])
    }

    @Test("memory stays as it is while impressions come and go, whatever their sizes")
    func memoryIsSteady() {
        var scene = JoinerScene {
            $0.ctrTiming = .known
            $0.closedIDsMax = 50
            $0.clickWindow = 1_000_000
            $0.conversionWindow = 1_000_000
        }
        // Each closes at its conversion, long before its windows end: the timers become stale.
        func live(_ range: Range<Int>) {
            for index in range {
                let time = Int64(index)
                scene.impression("i\(index)", at: time)
                scene.click("i\(index)", at: time)
                scene.conversion("i\(index)", at: time)
            }
        }
        live(10_000..<12_000)
        let bytes = scene.joiner.memoryBytes
        live(12_000..<20_000)
        #expect(scene.joiner.memoryBytes == bytes)
        #expect(scene.joiner.openImpressionCount == 0)
    }

    @Test("memory stays as it is while disordered impressions close before their turn")
    func disorderedMemoryIsSteady() {
        var scene = JoinerScene {
            $0.clickWindow = 10
            $0.closedIDsMax = 50
        }
        scene.impression("first", at: 1_000_000)
        func live(_ range: Range<Int>) {
            for index in range { scene.impression("i\(index)", at: 0) }
        }
        live(0..<2_000)
        let bytes = scene.joiner.memoryBytes
        live(2_000..<20_000)
        #expect(scene.joiner.memoryBytes == bytes)
        #expect(scene.joiner.openImpressionCount <= 2)
    }

    @Test("an impression is found when most of those that came before it have closed")
    func mostHaveClosed() {
        var scene = JoinerScene {
            $0.ctrTiming = .known
            $0.clickWindow = 1_000_000
            $0.conversionWindow = 1_000_000
        }
        for index in 0..<1_000 {
            scene.impression("i\(index)", at: Int64(index))
            if index % 3 == 0 { continue }
            scene.click("i\(index)", at: Int64(index))
            scene.conversion("i\(index)", at: Int64(index))
        }
        #expect(scene.joiner.openImpressionCount == 334)
        for index in stride(from: 0, to: 1_000, by: 6) { scene.click("i\(index)", at: 2_000) }
        #expect(scene.places(.click) == [.applied: 833])
        _ = scene.takeCalls()
        scene.advance(to: 1_001_000)
        // The others, in the order of their ends.
        let trained = scene.takeCalls().filter { $0.hasPrefix("train") }
        let names = stride(from: 3, to: 1_000, by: 6).map { "train i\($0)@" }
        #expect(trained.count == names.count)
        for (call, name) in zip(trained, names) { #expect(call.hasPrefix(name)) }
    }

    @Test("every id is found as long as it is remembered, in a table as full as it gets")
    func everyIDIsFound() {
        // 6,100 ids, where 6,144 are three quarters of the least table: many find their place taken.
        var scene = JoinerScene {
            $0.clickWindow = 1_000
            $0.closedMemory = 1_000_000
            $0.closedIDsMax = 5_100
        }
        var random = SplitMix64(seed: 3)
        var sink = SizeSink()
        func send(_ id: EventID, at time: Int) {
            let event = Event(role: .impression, time: Int64(time), impressionID: id)
            scene.joiner.apply(event, features: Span(), text: [0].span, sink: &sink)
        }
        var ids: [EventID] = []
        for time in 0..<40_000 {
            ids.append(EventID(high: random.next(), low: random.next()))
            send(ids[time], at: time)
            let again = max(0, time - Int.random(in: 0..<6_000, using: &random))
            send(ids[again], at: time)
        }
        #expect(scene.joiner.closedIDCount == 5_100)
        #expect(scene.places(.impression)[.duplicate] == 40_000)
        scene.joiner.advance(to: .max, sink: &sink)
        #expect(scene.places(.impression) == [.applied: 40_000, .duplicate: 40_000])
    }

    @Test("features survive when the arena is copied tightly")
    func arenaCompaction() {
        // Sizes drift, so that freed runs fit nothing that comes later; the sink checks every word.
        // Each second impression is clicked and stays in the line.
        var joiner = JoinerScene {
            $0.clickWindow = 59
            $0.conversionWindow = 59
            $0.closedIDsMax = 0
        }.joiner
        var sink = SizeSink()
        var peak = 0
        for size in 0..<120 {
            for index in 0..<60 {
                let words = [UInt32](repeating: UInt32(size), count: size * 8)
                let time = Int64(size * 60 + index)
                var event = Event(
                    role: .impression,
                    time: time,
                    impressionID: EventID(high: 1, low: UInt64(time))
                )
                joiner.apply(
                    event,
                    features: words.span,
                    text: [UInt8(size % 251)].span,
                    sink: &sink
                )
                if index % 2 == 0 { continue }
                event.role = .click
                joiner.apply(event, features: Span(), text: Span(), sink: &sink)
            }
            peak = max(peak, joiner.memoryBytes)
        }
        joiner.advance(to: .max, sink: &sink)
        #expect(joiner.ledger.isBalanced)
        #expect(sink.trained == 7200 + 3600)
        #expect(sink.expected > 7000)
        // The greatest live content is 60 runs of 960 words: 0.23 MB. All that ever was is 14 MB.
        #expect(peak < 1_200_000)
    }

    @Test("quarantined records are consumed and in their place")
    func quarantine() {
        var joiner = JoinerScene().joiner
        joiner.quarantine(partition: 1, count: 3)
        joiner.grow(toPartitionCount: 5)
        joiner.quarantine(partition: 4, count: 1)
        #expect(joiner.ledger.isBalanced)
        #expect(joiner.ledger.consumed == [0, 3, 0, 0, 1])
        #expect(joiner.ledger.count(.quarantined, partition: 1) == 3)
    }
}

/// Checks that features are whole: every word is the number of words / 8.
private struct SizeSink: JoinSink {
    var trained = 0
    var expected = 0

    func checkWords(_ features: Span<UInt32>) {
        let size = UInt32(features.count / 8)
        var others = 0
        for index in features.indices where features[index] != size { others += 1 }
        if others > 0 { Issue.record("\(others) of \(features.count) words are not \(size)") }
    }

    mutating func expect(features: Span<UInt32>) {
        expected += 1
        checkWords(features)
    }

    mutating func arrive(_: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: Float(features.count / 8), cvrLogit: 0)
    }

    mutating func score(_: Example) {}

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        let size = Int(example.prediction.ctrLogit)
        trained += 1
        #expect(features.count == size * 8)
        checkWords(features)
        #expect(text.count == 1)
        let letter = text[0]
        #expect(letter == UInt8(size % 251))
    }
}
