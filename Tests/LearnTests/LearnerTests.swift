import Events
import Foundation
import Learn
import StateCoding
import Testing

private func sigmoid(_ x: Float) -> Double { 1 / (1 + exp(-Double(x))) }

private let schema = FeatureSchema(fields: [
    FeatureField(name: "user", kind: .categorical(rows: 200)),
    FeatureField(name: "price", kind: .numeric(clip: 5)),
    FeatureField(name: "tab", kind: .categorical(rows: 10)),
])

private func settings(_ loss: FocalLoss = FocalLoss(), rate: Float = 0.05) -> LearnSettings {
    LearnSettings(
        network: NetworkSettings(
            embeddingDimension: 4,
            experts: 2,
            expertLayers: [16],
            towerLayers: [16]
        ),
        loss: loss,
        optimizer: OptimizerSettings(
            method: .adagrad(initialAccumulator: 0.001, epsilon: 1e-8, accumulatorMax: 1e6),
            embeddingRate: rate,
            denseRate: rate
        ),
        baseCTR: 0.03,
        baseCTCVR: 0.002,
        embeddingDeviation: 0.01,
        seed: 5,
        cohortWidth: 1000
    )
}

private func makeLearner(_ settings: LearnSettings = settings()) -> Learner {
    Learner(schema: schema, settings: settings, maturity: 1000)
}

/// An impression of a random user on a random tab, at a random price.
private func impression(_ source: inout SeededSource) -> [UInt32] {
    let user = UInt32(source.next() % 200)
    let price = Float(20 + 5 * source.normal())
    return [user, price.bitPattern, UInt32(source.next() % 10)]
}

private func example(
    _ labels: Labels,
    _ prediction: Prediction,
    time: Int64 = 0,
    weight: Float = 1
) -> Example {
    Example(
        time: time,
        impressionTime: time,
        labels: labels,
        ctrWeight: weight,
        ctcvrWeight: weight,
        prediction: prediction
    )
}

/// What became of an impression, in the labels that the join gives: the click's first, then the
/// conversion's.
private func labels(clicked: Bool, converted: Bool) -> [Labels] {
    clicked
        ? [Labels(ctr: true, ctcvr: nil), Labels(ctr: nil, ctcvr: converted)]
        : [Labels(ctr: false, ctcvr: false)]
}

/// Drives a learner as the join does, without delays.
/// - Returns: what it predicted at arrival.
private func drive(
    _ learner: inout Learner,
    _ words: [UInt32],
    clicked: Bool,
    converted: Bool,
    time: Int64 = 0
) -> Prediction {
    var words = words
    var features = words.mutableSpan
    let prediction = learner.arrive(features: &features)
    for labels in labels(clicked: clicked, converted: converted) {
        let example = example(labels, prediction, time: time)
        learner.score(example)
        learner.train(example, features: words.span)
    }
    learner.matureThrough(time)
    return prediction
}

@Suite struct LearnerTests {
    @Test(
        "a fresh learner's calibrated probabilities are the base rates",
        arguments: [
            FocalLoss(), FocalLoss(gamma: 2, alpha: nil), FocalLoss(gamma: 0, alpha: nil),
            FocalLoss(gamma: 1, alpha: 0.75),
        ]
    )
    func fresh(loss: FocalLoss) {
        var learner = makeLearner(settings(loss))
        var source = SeededSource(seed: 1)
        for _ in 0..<20 {
            var words = impression(&source)
            var features = words.mutableSpan
            let prediction = learner.arrive(features: &features)
            let probabilities = learner.probabilities(of: prediction)
            #expect(abs(probabilities.ctr / 0.03 - 1) < 1e-6)
            #expect(abs(probabilities.ctcvr / 0.002 - 1) < 1e-6)
            #expect(abs(probabilities.cvr / (0.002 / 0.03) - 1) < 1e-6)
        }
    }

    @Test(
        "trained on a constant 1 % of clicks, the calibrated CTR reads 1 % and the raw one does not",
        arguments: [
            (FocalLoss(gamma: 2, alpha: 0.25), 0.1084), (FocalLoss(gamma: 2, alpha: nil), 0.1536),
        ]
    )
    func onePercent(loss: FocalLoss, rawOutput: Double) {
        var learner = makeLearner(settings(loss, rate: 0.02))
        var source = SeededSource(seed: 2)
        var calibrated = 0.0
        var raw = 0.0
        let events = 60_000
        for event in 0..<events {
            let clicked = source.uniform() < 0.01
            let prediction = drive(
                &learner,
                impression(&source),
                clicked: clicked,
                converted: false
            )
            guard event >= events / 2 else { continue }
            calibrated += learner.probabilities(of: prediction).ctr / Double(events / 2)
            raw += sigmoid(prediction.ctrLogit) / Double(events / 2)
        }
        #expect(abs(calibrated - 0.01) < 0.001)
        #expect(abs(raw - rawOutput) < 0.006)
    }

    @Test(
        "trained on a constant 10 % of clicks of which 10 % convert, calibrated CVR and CTCVR read so",
        arguments: [FocalLoss(gamma: 2, alpha: 0.25), FocalLoss(gamma: 2, alpha: nil)]
    )
    func conversions(loss: FocalLoss) {
        var learner = makeLearner(settings(loss, rate: 0.02))
        var source = SeededSource(seed: 3)
        var sums = (ctr: 0.0, cvr: 0.0, ctcvr: 0.0, raw: 0.0)
        let events = 60_000
        for event in 0..<events {
            let clicked = source.uniform() < 0.1
            let converted = clicked && source.uniform() < 0.1
            let prediction = drive(
                &learner,
                impression(&source),
                clicked: clicked,
                converted: converted
            )
            guard event >= events / 2 else { continue }
            let probabilities = learner.probabilities(of: prediction)
            sums.ctr += probabilities.ctr / Double(events / 2)
            sums.cvr += probabilities.cvr / Double(events / 2)
            sums.ctcvr += probabilities.ctcvr / Double(events / 2)
            sums.raw += sigmoid(prediction.cvrLogit) / Double(events / 2)
        }
        #expect(abs(sums.ctr - 0.1) < 0.01)
        #expect(abs(sums.cvr - 0.1) < 0.01)
        #expect(abs(sums.ctcvr - 0.01) < 0.001)
        #expect(sums.raw > 0.3)
    }

    @Test("on a planted stream the figures come near those of the planted probabilities")
    func planted() throws {
        var learner = makeLearner()
        var planted = Metrics(cohortWidth: 1000, maturity: 1000)
        let plain = Calibration(FocalLoss(gamma: 0, alpha: nil))
        var source = SeededSource(seed: 4)
        for event in 0..<80_000 {
            let words = impression(&source)
            let ctrLogit = -3 + Float(words[2]) / 3
            let cvrLogit = -1 - 1.5 * Float(words[2] % 2)
            let clicked = source.uniform() < sigmoid(ctrLogit)
            let converted = clicked && source.uniform() < sigmoid(cvrLogit)
            let time = Int64(event / 20)
            _ = drive(&learner, words, clicked: clicked, converted: converted, time: time)
            for labels in labels(clicked: clicked, converted: converted) {
                planted.score(
                    example(
                        labels,
                        Prediction(ctrLogit: ctrLogit, cvrLogit: cvrLogit),
                        time: time
                    ),
                    calibration: plain
                )
            }
        }
        learner.matureThrough(10_000)
        planted.matureThrough(10_000)
        let report = learner.metrics.report()
        #expect(report.mature && report.figures.ctr.count == 80_000)
        #expect(learner.metrics.series.count == 4)
        // The last quarter, when the few conversions have taught the CVR too.
        let last = try #require(learner.metrics.series.last).figures
        let best = try #require(planted.series.last).figures
        for (figures, best) in [
            (last.ctr, best.ctr), (last.cvr, best.cvr), (last.ctcvr, best.ctcvr),
        ] {
            #expect(figures.count == best.count)
            #expect(abs(try #require(figures.calibration) - 1) < 0.1)
            #expect(
                try #require(figures.auc) > #require(best.auc) - 0.05,
                "\(figures), at best \(best)"
            )
            let entropy = try #require(figures.normalizedEntropy)
            #expect(entropy < 1)
            #expect(entropy > (try #require(best.normalizedEntropy)) - 0.001)
        }
    }

    @Test(
        "labels are counted per task, and a step that is not finite is skipped and changes nothing"
    )
    func counts() {
        var learner = makeLearner()
        var source = SeededSource(seed: 6)
        for event in 0..<10 {
            _ = drive(&learner, impression(&source), clicked: event < 4, converted: event == 0)
        }
        #expect(learner.counts.trainedCTR == 10)
        #expect(learner.counts.trainedCTCVR == 10)
        let before = learner.copyState()
        let prediction = Prediction(ctrLogit: 0, cvrLogit: 0)
        let words: [UInt32] = [1, Float(0).bitPattern, 2]
        learner.train(
            example(Labels(ctr: true, ctcvr: nil), prediction, weight: .infinity),
            features: words.span
        )
        #expect(learner.counts.skippedUpdates == 1)
        #expect(learner.counts.trainedCTR == 10)
        #expect(learner.copyState().network == before.network)
    }

    @Test("a prediction for nobody's impression teaches nothing")
    func predict() {
        var learner = makeLearner()
        var source = SeededSource(seed: 7)
        for _ in 0..<50 {
            _ = drive(&learner, impression(&source), clicked: false, converted: false)
        }
        let before = learner.copyState()
        var words = impression(&source)
        var again = words
        var features = words.mutableSpan
        let predicted = learner.predict(features: &features)
        #expect(learner.copyState().statistics == before.statistics)
        #expect(learner.copyState().network == before.network)
        var arriving = again.mutableSpan
        let prediction = learner.arrive(features: &arriving)
        #expect(learner.probabilities(of: prediction) == predicted)
    }

    @Test("a restored learner goes on to the bit, through encoded state too")
    func restore() throws {
        var learner = makeLearner()
        var source = SeededSource(seed: 8)
        for event in 0..<2000 {
            _ = drive(
                &learner,
                impression(&source),
                clicked: event % 7 == 0,
                converted: event % 70 == 0,
                time: Int64(event * 3)
            )
        }
        var state = learner.copyState()
        // Books travel as bytes; a fresh learner's tell how to read them.
        var writer = StateWriter()
        state.statistics.encode(to: &writer)
        state.metrics.encode(to: &writer)
        state.counts.encode(to: &writer)
        var restored = makeLearner()
        let blank = restored.copyState()
        (state.statistics, state.metrics, state.counts) = (
            blank.statistics, blank.metrics, blank.counts
        )
        var reader = StateReader(writer.bytes)
        try state.statistics.decode(from: &reader)
        try state.metrics.decode(from: &reader)
        try state.counts.decode(from: &reader)
        try reader.finish()
        try restored.restore(state)
        for event in 2000..<3000 {
            let words = impression(&source)
            let time = Int64(event * 3)
            let first = drive(
                &learner,
                words,
                clicked: event % 7 == 0,
                converted: false,
                time: time
            )
            let second = drive(
                &restored,
                words,
                clicked: event % 7 == 0,
                converted: false,
                time: time
            )
            #expect(first == second)
        }
        let one = learner.copyState()
        let other = restored.copyState()
        #expect(one.network == other.network)
        #expect(one.statistics == other.statistics)
        #expect(one.metrics == other.metrics)
        #expect(one.counts == other.counts)
        #expect(one.counts.trainedCTR == 3000)
    }

    @Test("a state of other features or windows is refused and changes nothing")
    func refusal() {
        var learner = makeLearner()
        var source = SeededSource(seed: 9)
        _ = drive(&learner, impression(&source), clicked: true, converted: true)
        let before = learner.copyState()
        let more = FeatureSchema(
            fields: schema.fields + [FeatureField(name: "age", kind: .numeric(clip: 3))]
        )
        let strangers = [
            Learner(schema: more, settings: settings(), maturity: 1000).copyState(),
            Learner(schema: schema, settings: settings(), maturity: 2000).copyState(),
        ]
        for stranger in strangers {
            #expect(throws: StateError.self) { try learner.restore(stranger) }
            #expect(learner.copyState().network == before.network)
            #expect(learner.copyState().statistics == before.statistics)
            #expect(learner.copyState().metrics == before.metrics)
        }
    }
}
