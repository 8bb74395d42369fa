import Events
import Join
import Testing

/// Tables of many pages each: copies share them until one side writes.
@Suite("Joiner: copies")
struct JoinerCopyTests {
    private static let settings = JoinSettings(
        clickWindow: 6_000,
        conversionWindow: 9_000,
        orphanWindow: 3_000,
        closedMemory: 8_000
    )

    @Test("going on changes no copy, however many there are and whichever goes on")
    func independence() {
        var stream = BusyStream(Self.settings)
        stream.live(impressions: 12_000, seed: 1)
        let first = stream
        let firstOutcome = first.outcome
        stream.live(impressions: 3_000, seed: 2)
        let second = stream
        let secondOutcome = second.outcome
        stream.live(impressions: 10_000, seed: 3)
        let lastOutcome = stream.outcome
        #expect(first.outcome == firstOutcome)
        #expect(second.outcome == secondOutcome)

        // The older copies go on, and end where the original did; it stays.
        var again = first
        again.live(impressions: 3_000, seed: 2)
        #expect(again.outcome == secondOutcome)
        again.live(impressions: 10_000, seed: 3)
        #expect(again.outcome == lastOutcome)
        var other = second
        other.live(impressions: 10_000, seed: 3)
        #expect(other.outcome == lastOutcome)
        #expect(first.outcome == firstOutcome)
        #expect(stream.outcome == lastOutcome)
        #expect(lastOutcome.trained > 15_000)
        #expect(stream.joiner.ledger.isBalanced)
    }

    @Test("a copy of which the original is gone is whole, and goes on alone")
    func original() {
        var kept: [BusyStream] = []
        var outcomes: [BusyStream.Outcome] = []
        var stream = BusyStream(Self.settings)
        for round in UInt64(1)...6 {
            stream.live(impressions: 3_000, seed: round)
            kept.append(stream)
            outcomes.append(stream.outcome)
        }
        stream = BusyStream(Self.settings)
        for round in 0..<5 {
            kept[round].live(impressions: 3_000, seed: UInt64(round) + 2)
            #expect(kept[round].outcome == outcomes[round + 1])
        }
        #expect(kept[5].outcome == outcomes[5])
    }

    @Test("copies go on at the same time, each as it would alone")
    func threads() async {
        var stream = BusyStream(Self.settings)
        stream.live(impressions: 10_000, seed: 4)
        let start = stream.outcome
        for seed in UInt64(10)...14 {
            let copy = stream
            await withTaskGroup(of: (UInt64, BusyStream.Outcome).self) { group in
                for offset in UInt64(0)..<4 {
                    group.addTask {
                        var mine = copy
                        mine.live(impressions: 1_500, seed: seed + offset)
                        return (seed + offset, mine.outcome)
                    }
                }
                for await (seed, outcome) in group {
                    var alone = copy
                    alone.live(impressions: 1_500, seed: seed)
                    #expect(alone.outcome == outcome, "seed \(seed)")
                }
            }
            #expect(copy.outcome == start)
        }
    }

    @Test("tables of many megabytes are encoded and end elsewhere while the original goes on")
    func largeTables() async {
        var settings = Self.settings
        settings.clickWindow = 40_000
        var stream = BusyStream(settings)
        stream.live(impressions: 45_000, seed: 5)
        #expect(stream.joiner.openImpressionCount > 35_000)
        for seed in UInt64(6)...9 {
            var copies = [stream]
            let start = stream.outcome
            let encoded = Task.detached { [copy = stream] in copy.outcome }
            stream.live(impressions: 4_000, seed: seed)
            copies.append(stream)
            #expect(await encoded.value == start, "seed \(seed)")
            copies[0].live(impressions: 4_000, seed: seed)
            #expect(copies[0].outcome == stream.outcome, "seed \(seed)")
            #expect(copies[1].outcome == stream.outcome, "seed \(seed)")
        }
        #expect(stream.joiner.ledger.isBalanced)
    }

    @Test("a joiner that is told of each event before goes on like one that is not")
    func announcedEvents() {
        var stream = BusyStream(Self.settings)
        var announced = BusyStream(Self.settings)
        announced.announces = true
        for seed in UInt64(40)...42 {
            stream.live(impressions: 4_000, seed: seed)
            announced.live(impressions: 4_000, seed: seed)
            #expect(stream.outcome == announced.outcome, "seed \(seed)")
        }
    }

    @Test("a joiner restarted from its bytes goes on like one that was never stopped")
    func restart() throws {
        var stream = BusyStream(Self.settings)
        var restarted = BusyStream(Self.settings)
        for seed in UInt64(20)...23 {
            stream.live(impressions: 5_000, seed: seed)
            restarted.live(impressions: 5_000, seed: seed)
            try restarted.restart()
            #expect(stream.outcome == restarted.outcome, "seed \(seed)")
        }
    }

    @Test("memory is flat over a long run in which every limit is reached")
    func flatMemory() {
        var settings = Self.settings
        settings.clickWindow = 3_000
        settings.conversionWindow = 20_000
        settings.openImpressionsMax = 4_000
        settings.heldEventsMax = 150
        settings.closedIDsMax = 3_000
        var stream = BusyStream(settings)
        stream.live(impressions: 40_000, seed: 30)
        let bytes = stream.joiner.memoryBytes
        for seed in UInt64(31)...38 {
            stream.live(impressions: 20_000, seed: seed)
            let now = stream.joiner.memoryBytes
            #expect(now <= bytes * 21 / 20, "\(bytes) bytes became \(now), seed \(seed)")
            #expect(stream.joiner.openImpressionCount > 3_900)
        }
        let ledger = stream.joiner.ledger
        #expect(ledger.isBalanced)
        #expect(ledger.count(.dropped, partition: 0) > 10_000)
        #expect(ledger.count(.dropped, partition: 2) > 1_000)
        #expect(stream.joiner.heldEventCount > 140)
        #expect(stream.joiner.closedIDCount == 3_000)
    }
}
