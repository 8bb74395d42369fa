import Events
import Foundation
import Learn
import Testing

@Suite("ESMM loss")
struct ESMMLossTests {
    static let losses = [
        FocalLoss(gamma: 2, alpha: 0.25),
        FocalLoss(gamma: 0, alpha: nil),
        FocalLoss(gamma: 2, alpha: nil),
        FocalLoss(gamma: 0.5, alpha: 0.75),
        FocalLoss(gamma: 5, alpha: 0.5),
    ]
    static let logits: [Float] = [-30, -8, -3, -1, -0.1, 0, 0.5, 2, 7, 25]
    static let extremes: [Float] = [-3e38, -1e4, -100, -1, 0, 1, 100, 1e4, 3e38]

    @Test("the loss is focal loss of the probabilities", arguments: losses)
    func value(focal: FocalLoss) {
        for (a, b, labels) in cases(Self.logits.filter { abs($0) < 10 }) {
            let p1 = sigmoid(Double(a))
            let p = p1 * sigmoid(Double(b))
            var expected = 0.0
            if let label = labels.ctr { expected += 2 * focal.naive(label, p1) }
            if let label = labels.ctcvr { expected += 0.5 * focal.naive(label, p) }
            let value = ESMMLoss(focal).value(
                Prediction(ctrLogit: a, cvrLogit: b),
                labels: labels,
                ctrWeight: 2,
                ctcvrWeight: 0.5
            )
            #expect(abs(value.loss - expected) <= 1e-9 * max(1, expected), "\(a) \(b) \(labels)")
        }
    }

    @Test("its gradients are its differences", arguments: losses)
    func gradients(focal: FocalLoss) {
        for (a, b, labels) in cases(Self.logits) {
            let value = ESMMLoss(focal).value(
                Prediction(ctrLogit: a, cvrLogit: b),
                labels: labels,
                ctrWeight: 1.5,
                ctcvrWeight: 3
            )
            // Steps that Float represents exactly, in the loss's own Double arithmetic.
            let h: Float = 0x1p-10
            func loss(_ a: Float, _ b: Float) -> Double {
                ESMMLoss(focal).value(
                    Prediction(ctrLogit: a, cvrLogit: b),
                    labels: labels,
                    ctrWeight: 1.5,
                    ctcvrWeight: 3
                ).loss
            }
            let dA = (loss(a + h, b) - loss(a - h, b)) / Double((a + h) - (a - h))
            let dB = (loss(a, b + h) - loss(a, b - h)) / Double((b + h) - (b - h))
            #expect(
                abs(value.ctrLogitGradient - dA) < 2e-5 * max(1, abs(dA)),
                "\(a) \(b) \(labels)"
            )
            #expect(
                abs(value.cvrLogitGradient - dB) < 2e-5 * max(1, abs(dB)),
                "\(a) \(b) \(labels)"
            )
        }
    }

    @Test("log loss has the exact ESMM gradient")
    func logLossGradient() {
        for (a, b, labels) in cases(Self.logits) {
            guard let t = labels.ctcvr else { continue }
            let value = ESMMLoss(FocalLoss(gamma: 0, alpha: nil)).value(
                Prediction(ctrLogit: a, cvrLogit: b),
                labels: Labels(ctr: nil, ctcvr: t),
                ctrWeight: 1,
                ctcvrWeight: 1
            )
            // (p−t)(1−p₁)/(1−p), with 1−p = (1−p₁) + p₁(1−p₂).
            let (p1, q1) = (sigmoid(Double(a)), sigmoid(-Double(a)))
            let (p2, q2) = (sigmoid(Double(b)), sigmoid(-Double(b)))
            let q = q1 + p1 * q2
            let slope = t ? -1 : p1 * p2 / q
            #expect(abs(value.ctrLogitGradient - slope * q1) < 1e-12)
            #expect(abs(value.cvrLogitGradient - slope * q2) < 1e-12)
        }
    }

    @Test("rare positives keep their relative precision")
    func smallProbabilities() {
        let value = ESMMLoss(FocalLoss(gamma: 2, alpha: 0.25)).value(
            Prediction(ctrLogit: -20, cvrLogit: -20),
            labels: Labels(ctr: nil, ctcvr: false),
            ctrWeight: 1,
            ctcvrWeight: 1
        )
        // For small p: (1−α) p² [p + 2p].
        let p = exp(-40.0)
        #expect(abs(value.ctrLogitGradient / (0.75 * p * p * 3 * p) - 1) < 1e-6)
    }

    @Test("loss and gradients are finite for every finite logit", arguments: losses)
    func extremeLogits(focal: FocalLoss) {
        for (a, b, labels) in cases(Self.extremes) {
            let value = ESMMLoss(focal).value(
                Prediction(ctrLogit: a, cvrLogit: b),
                labels: labels,
                ctrWeight: 1,
                ctcvrWeight: 1
            )
            #expect(value.loss.isFinite && value.loss >= 0, "\(a) \(b) \(labels)")
            #expect(Float(value.ctrLogitGradient).isFinite, "\(a) \(b) \(labels)")
            #expect(Float(value.cvrLogitGradient).isFinite, "\(a) \(b) \(labels)")
            // One task's gradient is at most (1 + γ) per logit, give or take.
            #expect(abs(value.ctrLogitGradient) <= 2 * (1 + focal.gamma))
            #expect(abs(value.cvrLogitGradient) <= 2 * (1 + focal.gamma))
        }
    }

    @Test("two certain mistakes share the gradient")
    func certainMistake() {
        let value = ESMMLoss(FocalLoss(gamma: 0, alpha: nil)).value(
            Prediction(ctrLogit: 3e38, cvrLogit: 3e38),
            labels: Labels(ctr: nil, ctcvr: false),
            ctrWeight: 1,
            ctcvrWeight: 1
        )
        #expect(value.ctrLogitGradient == 0.5)
        #expect(value.cvrLogitGradient == 0.5)
    }

    @Test("without labels there is no loss")
    func noLabels() {
        let value = ESMMLoss(FocalLoss()).value(
            Prediction(ctrLogit: 1, cvrLogit: 1),
            labels: Labels(ctr: nil, ctcvr: nil),
            ctrWeight: 1,
            ctcvrWeight: 1
        )
        #expect(value.loss == 0 && value.ctrLogitGradient == 0 && value.cvrLogitGradient == 0)
    }

    private func cases(_ logits: [Float]) -> [(Float, Float, Labels)] {
        logits.flatMap { a in
            logits.flatMap { b in networkTestLabels.map { (a, b, $0) } }
        }
    }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

extension FocalLoss {
    fileprivate func naive(_ label: Bool, _ p: Double) -> Double {
        let weight = alpha.map { label ? $0 : 1 - $0 } ?? 1
        return label
            ? -weight * pow(1 - p, gamma) * log(p) : -weight * pow(p, gamma) * log1p(-p)
    }
}
