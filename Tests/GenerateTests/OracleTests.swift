import Foundation
import Generate
import Testing

@Suite struct OracleTests {
    @Test("the oracle's figures are those of an exact computation")
    func exact() throws {
        let outcomes = try plantedOutcomes(GeneratorSettings(events: 200_000, seed: 21))
        var score = OracleScore()
        for outcome in outcomes { score.add(outcome) }
        expect(score.ctr, outcomes.map { ($0.probability.ctr, $0.isClicked) })
        expect(score.ctcvr, outcomes.map { ($0.probability.ctcvr, $0.isConverted) })
        let clicked = outcomes.filter(\.isClicked)
        expect(score.cvr, clicked.map { ($0.probability.cvr, $0.isConverted) })
    }

    /// AUC by counting, for every positive, the negatives below it.
    private func expect(
        _ figures: PlantedFigures,
        _ pairs: [(probability: Double, happened: Bool)]
    ) {
        let negatives = pairs.filter { !$0.happened }.map(\.probability).sorted()
        let positives = pairs.filter(\.happened).map(\.probability).sorted()
        var concordant = 0.0
        var below = 0
        for positive in positives {
            while below < negatives.count, negatives[below] < positive { below += 1 }
            var equal = below
            while equal < negatives.count, negatives[equal] == positive { equal += 1 }
            concordant += Double(below) + Double(equal - below) / 2
        }
        let auc = concordant / Double(positives.count) / Double(negatives.count)
        let logLoss =
            -(positives.map { log($0) }.reduce(0, +) + negatives.map { log(1 - $0) }.reduce(0, +))
            / Double(pairs.count)
        let rate = Double(positives.count) / Double(pairs.count)
        let entropy = -(rate * log(rate) + (1 - rate) * log(1 - rate))
        let calibration = pairs.map(\.probability).reduce(0, +) / Double(positives.count)
        #expect(figures.count == pairs.count && figures.positives == positives.count)
        #expect(abs((figures.auc ?? 0) - auc) < 1e-5)
        #expect(abs((figures.logLoss ?? 0) - logLoss) < 1e-9)
        #expect(abs((figures.normalizedEntropy ?? 0) - logLoss / entropy) < 1e-9)
        #expect(abs((figures.calibration ?? 0) - calibration) < 1e-9)
    }

    @Test("a shift is scored before and after, and together")
    func periods() throws {
        var settings = GeneratorSettings(events: 40_000, seed: 22)
        settings.shiftAfter = 20_000
        var generator = try StreamGenerator(settings)
        var oracle = Oracle()
        var (first, second) = (OracleScore(), OracleScore())
        while let event = generator.next() {
            oracle.add(event)
            guard let planted = event.planted else { continue }
            if generator.emitted <= 20_000 { first.add(planted) } else { second.add(planted) }
        }
        #expect(oracle.beforeShift.ctr == first.ctr && oracle.afterShift.cvr == second.cvr)
        first.add(second)
        #expect(oracle.all.ctcvr == first.ctcvr)
        #expect(oracle.all.ctr.count == first.ctr.count)
    }

    @Test("figures that are not defined are absent")
    func undefined() {
        var score = OracleScore()
        #expect(score.ctr.auc == nil && score.ctr.logLoss == nil && score.ctr.count == 0)
        let probability = PlantedProbability(ctr: 0.5, cvr: 0.25)
        score.add(PlantedOutcome(probability: probability, isClicked: true, isConverted: false))
        #expect(score.ctr.calibration == 0.5 && score.ctr.auc == nil)
        #expect(score.cvr.calibration == nil)
        #expect(score.cvr.logLoss == -log(0.75))
        #expect(score.ctr.normalizedEntropy == nil)
    }
}
