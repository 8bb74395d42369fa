import Events
import Join
import Testing

/// What an outage does to a learner. All with seed 7.
@Suite("Silence is not a negative")
struct SilenceTests {
    private let seed: UInt64 = 7
    /// Of these minutes on the outage, from the 120th to the 140th, may show.
    private let affected = 120..<170

    @Test(
        "a click producer dies for 20 minutes: 3 % falls below 1 %, with the guard it stays",
        arguments: [.delayed, .lost] as [OutageScenario.Loss]
    )
    func clicks(loss: OutageScenario.Loss) throws {
        let scenario = OutageScenario(loss: loss)
        let unguarded = OutageRun(scenario, guardRatio: 0, seed: seed)
        let lowest = ctr(unguarded).min() ?? 1
        #expect(lowest < 0.01, "seed \(seed)")
        expectLaw(unguarded.joiner)

        let guarded = OutageRun(scenario, guardRatio: 0.2, seed: seed)
        let predicted = ctr(guarded)
        #expect(predicted.allSatisfy { (0.02...0.045).contains($0) }, "seed \(seed): \(predicted)")
        try expectOneSilence(guarded.silences)
        expectLaw(guarded.joiner)
        let ledger = guarded.joiner.ledger
        #expect(ledger.count(.late, partition: 1) == 0)
        // 20 minutes of impressions every 30 ms, to a bucket at either end.
        let dropped = ledger.count(.dropped, partition: 0)
        #expect(loss == .lost ? abs(dropped - 40_000) <= 5000 : dropped == 0, "\(dropped)")
    }

    @Test(
        "conversions that do not come for 20 minutes leave CTCVR near where it was",
        arguments: [.delayed, .lost] as [OutageScenario.Loss]
    )
    func conversions(loss: OutageScenario.Loss) throws {
        let scenario = OutageScenario(silent: .conversion, loss: loss)
        let unguarded = OutageRun(scenario, guardRatio: 0, seed: seed)
        #expect(ctcvr(unguarded).min() ?? 1 < 0.0035, "seed \(seed)")
        let guarded = OutageRun(scenario, guardRatio: 0.2, seed: seed)
        let predicted = ctcvr(guarded)
        #expect(predicted.allSatisfy { (0.005...0.014).contains($0) }, "seed \(seed): \(predicted)")
        try expectOneSilence(guarded.silences)
        expectLaw(guarded.joiner)
    }

    @Test("a rate that halves, and traffic that stops and comes back, are no silence")
    func noSilence() {
        var half = OutageScenario()
        half.clickShareFrom = (minutes(100), 0.5)
        var pause = OutageScenario()
        pause.pause = minutes(100)..<minutes(150)
        for scenario in [half, pause] {
            let run = OutageRun(scenario, guardRatio: 0.2, seed: seed)
            #expect(run.silences.isEmpty)
            #expect(run.joiner.closedThrough == run.joiner.streamTime)
            #expect(run.joiner.ledger.count(.dropped, partition: 0) == 0)
            expectLaw(run.joiner)
        }
    }

    /// Mean calibrated predictions of the affected minutes, when the impressions came.
    private func ctr(_ run: borrowing OutageRun) -> [Double] {
        run.sink.minutes[affected].map { $0.ctr / $0.impressions }
    }

    private func ctcvr(_ run: borrowing OutageRun) -> [Double] {
        run.sink.minutes[affected].map { $0.ctcvr / $0.impressions }
    }

    /// Noticed soon after the outage began, over soon after it ended.
    private func expectOneSilence(_ silences: [(since: Int64, end: Int64?)]) throws {
        #expect(silences.count == 1)
        let silence = try #require(silences.first)
        #expect(silence.since > minutes(120) && silence.since <= minutes(126))
        let end = try #require(silence.end)
        #expect(end > minutes(140) && end <= minutes(146))
    }

    private func expectLaw(_ joiner: Joiner) {
        #expect(joiner.ledger.isBalanced)
        #expect(joiner.ledger.counts.allSatisfy { $0.allSatisfy { $0 >= 0 } })
    }
}
