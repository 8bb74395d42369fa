import Events
import Foundation
import Learn
import StateCoding
import Testing

private let plain = Calibration(FocalLoss(gamma: 0, alpha: nil))
private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

private struct Scored {
    var logit: Double
    var isPositive: Bool
    var weight: Float = 1
}

/// The AUC from sorted predictions, ties counting half.
private func exactAUC(_ scored: [Scored]) -> Double {
    let sorted = scored.sorted { $0.logit < $1.logit }
    var pairs = 0.0
    var positives = 0.0
    var negatives = 0.0
    var index = 0
    while index < sorted.count {
        var positive = 0.0
        var negative = 0.0
        let logit = sorted[index].logit
        while index < sorted.count, sorted[index].logit == logit {
            if sorted[index].isPositive {
                positive += Double(sorted[index].weight)
            } else {
                negative += Double(sorted[index].weight)
            }
            index += 1
        }
        pairs += positive * (negatives + negative / 2)
        positives += positive
        negatives += negative
    }
    return pairs / positives / negatives
}

private func example(
    _ labels: Labels,
    ctr: Float,
    cvr: Float = 0,
    time: Int64 = 0,
    weight: Float = 1
) -> Example {
    Example(
        time: time,
        impressionTime: time,
        labels: labels,
        ctrWeight: weight,
        ctcvrWeight: weight,
        prediction: Prediction(ctrLogit: ctr, cvrLogit: cvr)
    )
}

private func metrics(_ scored: [Scored], calibration: Calibration = plain) -> Metrics {
    var metrics = Metrics(cohortWidth: 1000, maturity: 0)
    for one in scored {
        metrics.score(
            example(
                Labels(ctr: one.isPositive, ctcvr: nil),
                ctr: Float(one.logit),
                weight: one.weight
            ),
            calibration: calibration
        )
    }
    return metrics
}

/// A way to draw predictions: a logit, and the probability with which it is a positive.
struct Draw: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var draw: @Sendable (inout SeededSource) -> (logit: Double, probability: Double)
}

@Suite struct MetricsTests {
    static let draws = [
        Draw(testDescription: "a wide normal") { source in
            let logit = -3 + 1.5 * source.normal()
            return (logit, sigmoid(logit))
        },
        Draw(testDescription: "probabilities between 0.0001 and 0.01") { source in
            let p = 0.0001 + 0.0099 * source.uniform()
            return (log(p) - log1p(-p), p * 8)
        },
        Draw(testDescription: "a spread of a thousandth") { source in
            let offset = source.normal()
            return (-4.6 + 0.001 * offset, sigmoid(offset - 2))
        },
        Draw(testDescription: "far away and narrow") { source in
            let offset = source.uniform()
            return (-21 + 0.01 * offset, 0.3 * offset)
        },
        Draw(testDescription: "two values") { source in
            source.uniform() < 0.2 ? (-2, 0.3) : (-2.001, 0.1)
        },
        Draw(testDescription: "over the whole range of Float's exponent") { source in
            let size = pow(10, 6 * source.uniform() - 4)
            let logit = source.uniform() < 0.5 ? size : -size
            return (logit, sigmoid(logit / 3))
        },
        Draw(testDescription: "narrow with rare outliers") { source in
            let logit = source.uniform() < 0.001 ? 12 : -3 + 0.1 * source.normal()
            return (logit, sigmoid((logit + 3) * 10 - 1))
        },
        Draw(testDescription: "without any signal") { source in (source.normal(), 0.05) },
    ]

    @Test("the binned AUC is within 1e-3 of the exact one", arguments: draws, [1 as UInt64, 2])
    func auc(draw: Draw, seed: UInt64) throws {
        var source = SeededSource(seed: seed)
        let scored = (0..<40_000).map { _ in
            let (logit, probability) = draw.draw(&source)
            // As the model gives it: a Float.
            return Scored(
                logit: Double(Float(logit)),
                isPositive: source.uniform() < probability,
                weight: Float(1 + (source.next() % 3))
            )
        }
        let binned = try #require(metrics(scored).report().all.ctr.auc)
        let exact = exactAUC(scored)
        #expect(abs(binned - exact) < 1e-3, "seed \(seed): \(binned), exactly \(exact)")
        let focal = try #require(
            metrics(scored, calibration: Calibration(FocalLoss())).report().all.ctr.auc
        )
        #expect(abs(focal - exact) < 1e-3, "seed \(seed): focal \(focal), exactly \(exact)")
    }

    @Test("the AUC does not depend on the order of the scores, nor on how cohorts divide them")
    func order() throws {
        var source = SeededSource(seed: 3)
        let scored = (0..<5000).map { _ in
            let logit = 4 * source.normal()
            return Scored(
                logit: Double(Float(logit)),
                isPositive: source.uniform() < sigmoid(logit)
            )
        }
        let forward = metrics(scored).report().all.ctr
        let backward = metrics(scored.reversed()).report().all.ctr
        #expect(forward.auc == backward.auc)
        var divided = Metrics(cohortWidth: 10, maturity: 0)
        for (index, one) in scored.enumerated() {
            divided.score(
                example(
                    Labels(ctr: one.isPositive, ctcvr: nil),
                    ctr: Float(one.logit),
                    time: Int64(index / 20)
                ),
                calibration: plain
            )
            if index % 500 == 0 { divided.matureThrough(Int64(index / 20)) }
        }
        let report = divided.report()
        #expect(report.all.ctr.auc == forward.auc)
        #expect(report.all.ctr.count == forward.count)
        #expect(abs(report.all.ctr.logLoss! - forward.logLoss!) < 1e-12)
    }

    @Test("log loss, normalized entropy and calibration ratio are the weighted textbook figures")
    func figures() throws {
        let scored = [
            Scored(logit: -2, isPositive: false, weight: 3), Scored(logit: 0.5, isPositive: true),
            Scored(logit: -1, isPositive: true, weight: 0.5), Scored(logit: 3, isPositive: false),
            Scored(logit: 9, isPositive: true, weight: 0),
        ]
        var loss = 0.0
        var weight = 0.0
        var positive = 0.0
        var predicted = 0.0
        for one in scored {
            let p = sigmoid(one.logit)
            let w = Double(one.weight)
            loss -= w * (one.isPositive ? log(p) : log(1 - p))
            weight += w
            positive += one.isPositive ? w : 0
            predicted += w * p
        }
        let rate = positive / weight
        let entropy = -rate * log(rate) - (1 - rate) * log(1 - rate)
        let figures = metrics(scored).report().all.ctr
        #expect(abs(try #require(figures.logLoss) - loss / weight) < 1e-12)
        #expect(abs(try #require(figures.normalizedEntropy) - loss / weight / entropy) < 1e-12)
        #expect(abs(try #require(figures.calibration) - predicted / positive) < 1e-12)
        #expect(figures.count == 5)
    }

    @Test("CVR is scored on clicked impressions only, once their conversion label is final")
    func clicked() throws {
        var metrics = Metrics(cohortWidth: 1000, maturity: 0)
        for labels in [
            Labels(ctr: false, ctcvr: false), Labels(ctr: true, ctcvr: nil),
            Labels(ctr: nil, ctcvr: true), Labels(ctr: true, ctcvr: nil),
            Labels(ctr: nil, ctcvr: false),
        ] {
            metrics.score(example(labels, ctr: -1, cvr: 0.25), calibration: plain)
        }
        let all = metrics.report().all
        #expect(all.ctr.count == 3 && all.ctcvr.count == 3 && all.cvr.count == 2)
        #expect(abs(try #require(all.cvr.calibration) - 2 * sigmoid(0.25)) < 1e-12)
        let product = sigmoid(-1) * sigmoid(0.25)
        #expect(abs(try #require(all.ctcvr.calibration) - 3 * product) < 1e-12)
        #expect(abs(try #require(all.ctr.calibration) - 3 * sigmoid(-1) / 2) < 1e-12)
    }

    @Test("certain predictions that are wrong cost much, but not everything")
    func certain() throws {
        var metrics = Metrics(cohortWidth: 1000, maturity: 0)
        for logit: Float in [-1e6, -100, 100, 1e6] {
            for labels in [
                Labels(ctr: false, ctcvr: false), Labels(ctr: true, ctcvr: nil),
                Labels(ctr: nil, ctcvr: true), Labels(ctr: nil, ctcvr: false),
            ] {
                for cvr: Float in [-1e6, 0, 1e6] {
                    metrics.score(
                        example(labels, ctr: logit, cvr: cvr),
                        calibration: Calibration(FocalLoss())
                    )
                }
            }
        }
        let all = metrics.report().all
        for figures in [all.ctr, all.cvr, all.ctcvr] {
            #expect(try #require(figures.logLoss).isFinite)
            #expect(try #require(figures.normalizedEntropy).isFinite)
            #expect(try #require(figures.calibration).isFinite)
        }
    }

    @Test("a prediction that is not finite is counted, not scored")
    func nonFinite() {
        var metrics = Metrics(cohortWidth: 1000, maturity: 0)
        let labels = Labels(ctr: true, ctcvr: nil)
        for logit: Float in [.nan, .infinity, -.infinity] {
            metrics.score(example(labels, ctr: logit), calibration: plain)
            metrics.score(example(labels, ctr: 0, cvr: logit), calibration: plain)
        }
        #expect(metrics.unscored == 6)
        #expect(metrics.report().all.ctr.count == 0)
    }

    @Test("undefined figures are null in the summary, which has the keys of the three tasks")
    func json() throws {
        var metrics = Metrics(cohortWidth: 1000, maturity: 0)
        metrics.score(example(Labels(ctr: false, ctcvr: false), ctr: -1), calibration: plain)
        let json = try JSONEncoder().encode(metrics.report())
        let object = try #require(
            try JSONSerialization.jsonObject(with: json) as? [String: Any]
        )
        #expect(Set(object.keys) == ["ctr", "cvr", "ctcvr", "mature", "immature", "all"])
        #expect(object["mature"] as? Bool == false)
        let ctr = try #require(object["ctr"] as? [String: Any])
        let cvr = try #require(object["cvr"] as? [String: Any])
        #expect(
            Set(ctr.keys) == ["auc", "log_loss", "normalized_entropy", "calibration", "count"]
        )
        #expect(ctr["auc"] is NSNull && ctr["normalized_entropy"] is NSNull)
        #expect(ctr["calibration"] is NSNull)
        #expect(abs(try #require(ctr["log_loss"] as? Double) - log1p(exp(-1))) < 1e-12)
        #expect(ctr["count"] as? Int == 1)
        #expect(cvr["log_loss"] is NSNull && cvr["count"] as? Int == 0)
    }
}
