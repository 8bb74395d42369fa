import Events
import Foundation
import Learn
import Testing

private func logit(_ p: Double) -> Double { log(p) - log1p(-p) }
private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// The output that minimises the expected focal loss at a true rate, found by golden section
/// without any use of its derivative.
private func minimiser(rate: Double, loss: FocalLoss) -> Double {
    let alpha = loss.alpha ?? 0.5
    func expected(_ x: Double) -> Double {
        let u = sigmoid(x)
        return -rate * alpha * pow(1 - u, loss.gamma) * log(u)
            - (1 - rate) * (1 - alpha) * pow(u, loss.gamma) * log1p(-u)
    }
    let ratio = (5.0.squareRoot() - 1) / 2
    var low = -20.0
    var high = 20.0
    while high - low > 1e-9 {
        let left = high - ratio * (high - low)
        let right = low + ratio * (high - low)
        if expected(left) < expected(right) { high = right } else { low = left }
    }
    return (low + high) / 2
}

@Suite struct CalibrationTests {
    @Test(
        "the published outputs of trained models are calibrated back to their true rates",
        arguments: [
            (0.001, [0.0229, 0.0728, 0.0504, 0.1044]), (0.01, [0.0730, 0.1536, 0.1084, 0.2139]),
            (0.05, [0.1616, 0.2502, 0.1819, 0.3343]), (0.2, [0.3142, 0.3734, 0.2836, 0.4732]),
            (0.5, [0.5, 0.5, 0.3988, 0.6012]),
        ]
    )
    func table(rate: Double, outputs: [Double]) {
        let losses = [
            FocalLoss(gamma: 1, alpha: nil), FocalLoss(gamma: 2, alpha: nil),
            FocalLoss(gamma: 2, alpha: 0.25), FocalLoss(gamma: 2, alpha: 0.75),
        ]
        for (loss, output) in zip(losses, outputs) {
            let calibration = Calibration(loss)
            // The table has four digits, the last of them good to one.
            let below = sigmoid(calibration.calibratedLogit(logit(output - 0.0001)))
            let above = sigmoid(calibration.calibratedLogit(logit(output + 0.0001)))
            #expect(below < rate && rate < above, "\(loss): \(output)")
        }
    }

    @Test(
        "calibration inverts the numerical minimum of the expected focal loss",
        arguments: [0, 0.5, 1, 2, 5],
        [nil, 0.1, 0.25, 0.5, 0.75]
    )
    func minimum(gamma: Double, alpha: Double?) {
        let loss = FocalLoss(gamma: gamma, alpha: alpha)
        for rate in [0.0001, 0.003, 0.01, 0.1, 0.37, 0.5, 0.8, 0.99] {
            let output = minimiser(rate: rate, loss: loss)
            let calibrated = Calibration(loss).calibratedLogit(output)
            #expect(abs(calibrated - logit(rate)) < 2e-5, "rate \(rate): output \(output)")
        }
    }

    @Test("without gamma and alpha calibration changes nothing; alpha alone is undone")
    func logLoss() {
        let plain = Calibration(FocalLoss(gamma: 0, alpha: nil))
        let weighted = Calibration(FocalLoss(gamma: 0, alpha: 0.25))
        for x in [-700, -30.5, -1, 0, 1e-9, 3, 40, 1e30] {
            #expect(plain.calibratedLogit(x) == x)
            #expect(abs(weighted.calibratedLogit(x) - (x + log(3))) <= abs(x) * 1e-15 + 1e-15)
        }
    }

    @Test(
        "calibration is finite and increasing over every finite logit",
        arguments: [0, 0.5, 1, 2, 5],
        [nil, 0.001, 0.25, 0.999]
    )
    func extremes(gamma: Double, alpha: Double?) {
        let calibration = Calibration(FocalLoss(gamma: gamma, alpha: alpha))
        let sizes = (-100...380).map { pow(10, Double($0) / 10) }
        let largest = Double(Float.greatestFiniteMagnitude)
        let logits = [-largest] + sizes.reversed().map { -$0 } + [0] + sizes + [largest]
        let calibrated = logits.map(calibration.calibratedLogit)
        #expect(calibrated.allSatisfy { $0.isFinite })
        for (next, value) in zip(calibrated.dropFirst(), calibrated) { #expect(value < next) }
    }

    @Test("the logit of the product is exact where both probabilities are ordinary")
    func product() {
        let plain = Calibration(FocalLoss(gamma: 0, alpha: nil))
        for a in stride(from: -9.0, through: 9, by: 0.75) {
            for b in stride(from: -9.0, through: 9, by: 0.5) {
                let prediction = Prediction(ctrLogit: Float(a), cvrLogit: Float(b))
                let p = sigmoid(a) * sigmoid(b)
                let probabilities = plain.probabilities(of: prediction)
                #expect(abs(plain.logits(of: prediction).ctcvr - logit(p)) < 1e-11)
                #expect(abs(plain.logits(of: prediction).cvr - b) < 1e-9)
                #expect(abs(probabilities.ctr - sigmoid(a)) < 1e-15)
                #expect(abs(probabilities.ctcvr - p) < 1e-15)
                #expect(abs(probabilities.cvr - sigmoid(b)) < 1e-13)
            }
        }
    }

    @Test("probabilities are within 0 and 1, and the CVR is their ratio, at the extremes too")
    func probabilities() {
        let extremes: [Float] = [
            -.greatestFiniteMagnitude, -1e6, -800, -100, -30, -5, 0, 5, 30, 100, 800, 1e6,
            .greatestFiniteMagnitude,
        ]
        for gamma in [0.0, 2] {
            let calibration = Calibration(FocalLoss(gamma: gamma, alpha: 0.25))
            for ctrLogit in extremes {
                for cvrLogit in extremes {
                    let prediction = Prediction(ctrLogit: ctrLogit, cvrLogit: cvrLogit)
                    let p = calibration.probabilities(of: prediction)
                    let logits = calibration.logits(of: prediction)
                    #expect((0...1).contains(p.ctr) && (0...1).contains(p.ctcvr))
                    #expect(p.cvr == (p.ctr > 0 ? min(p.ctcvr / p.ctr, 1) : 0))
                    #expect(logits.ctr.isFinite && logits.ctcvr.isFinite && logits.cvr.isFinite)
                    #expect(p.ctr == 0 || abs(sigmoid(logits.cvr) - p.cvr) < 1e-9)
                }
            }
        }
    }

    @Test(
        "output biases make the calibrated rates the configured ones",
        arguments: [
            FocalLoss(), FocalLoss(gamma: 2, alpha: nil), FocalLoss(gamma: 0, alpha: nil),
            FocalLoss(gamma: 5, alpha: 0.9),
        ],
        [(0.03, 0.001), (0.5, 0.4999), (1e-6, 1e-9), (0.999, 0.01)]
    )
    func start(loss: FocalLoss, rates: (ctr: Double, ctcvr: Double)) {
        let calibration = Calibration(loss)
        let biases = calibration.outputBiases(ctr: rates.ctr, ctcvr: rates.ctcvr)
        let p = calibration.probabilities(
            of: Prediction(ctrLogit: Float(biases.ctr), cvrLogit: Float(biases.cvr))
        )
        // The biases are rounded to Float, where a logit near -8 is good to 5e-7.
        #expect(abs(p.ctr / rates.ctr - 1) < 3e-6, "\(p)")
        #expect(abs(p.ctcvr / rates.ctcvr - 1) < 3e-6, "\(p)")
    }
}
