import CKernels
import Testing

let guardValue: Float = 12345

/// Room for `count` floats, and some behind them that nobody may touch.
func guarded(_ count: Int) -> [Float] {
    [Float](repeating: 0, count: count) + [Float](repeating: guardValue, count: 8)
}

func expectGuard(_ values: [Float], _ count: Int) {
    #expect(values[count...].allSatisfy { $0 == guardValue }, "written beyond the end")
}

/// Weights and optimizer state, updated as the formulas say.
struct NaiveParameters {
    var weights: [Double]
    /// Adagrad's n, FTRL's z.
    var first: [Double]
    /// FTRL's n.
    var second: [Double]

    init(count: Int, random: inout NetworkTestRandom) {
        weights = random.floats(count).map(Double.init)
        first = random.floats(count).map { Double($0.magnitude) }
        second = random.floats(count).map { Double($0.magnitude) }
    }

    var guardedFloats: GuardedParameters {
        GuardedParameters(
            w: weights.map { Float($0) } + guarded(0),
            first: first.map { Float($0) } + guarded(0),
            second: second.map { Float($0) } + guarded(0)
        )
    }

    mutating func update(_ i: Int, _ rule: CUpdateRule, gradient g: Double) {
        let rate = Double(rule.rate)
        switch rule.method {
        case .SGD:
            weights[i] -= rate * g
        case .adagrad:
            first[i] = min(first[i] + g * g, Double(rule.accumulator_max))
            weights[i] -= rate * g / (first[i] + Double(rule.epsilon)).squareRoot()
        case .FTRL:
            let n = second[i]
            second[i] += g * g
            first[i] += g - (second[i].squareRoot() - n.squareRoot()) / rate * weights[i]
            let z = first[i]
            let l1 = Double(rule.l1)
            let denominator =
                (Double(rule.beta) + second[i].squareRoot()) / rate + Double(rule.l2)
            weights[i] = z.magnitude <= l1 ? 0 : -(z - (z > 0 ? l1 : -l1)) / denominator
        }
    }

    func expect(_ actual: GuardedParameters, _ comment: String) {
        for (name, actual, expected) in [
            ("w", actual.w, weights), ("1", actual.first, first), ("2", actual.second, second),
        ] {
            expectGuard(actual, expected.count)
            for i in expected.indices {
                let error = abs(Double(actual[i]) - expected[i])
                #expect(error < 1e-6 * max(1, abs(expected[i])), "\(comment) \(name)[\(i)]")
            }
        }
    }
}

/// A layer's parameters in Double, to be changed as the formulas say, and lent to a kernel in Float.
struct LayerMemory {
    var weights: NaiveParameters
    var bias: NaiveParameters
    private let outputs: Int
    private let inputs: Int
    private let hasBias: Bool
    private let hasReLU: Bool

    init(
        _ outputs: Int,
        _ inputs: Int,
        hasBias: Bool,
        _ hasReLU: Bool,
        _ random: inout NetworkTestRandom
    ) {
        weights = NaiveParameters(count: outputs * inputs, random: &random)
        bias = NaiveParameters(count: outputs, random: &random)
        (self.outputs, self.inputs, self.hasBias, self.hasReLU) = (
            outputs, inputs, hasBias, hasReLU
        )
    }

    var floats: (weights: GuardedParameters, bias: GuardedParameters) {
        (weights.guardedFloats, bias.guardedFloats)
    }

    func withLayer(_ body: (inout CDenseLayer) -> Void) {
        var copy = self
        _ = unsafe copy.changed(body)
    }

    /// What a kernel makes of the parameters.
    mutating func changed(
        _ body: (inout CDenseLayer) -> Void
    ) -> (weights: GuardedParameters, bias: GuardedParameters) {
        var (weights, bias) = floats
        unsafe weights.withParameters { weights in
            unsafe bias.withParameters { bias in
                var layer = unsafe CDenseLayer(
                    weights: weights,
                    bias: hasBias ? bias : CParameters(),
                    outputs: outputs,
                    inputs: inputs,
                    has_relu: hasReLU
                )
                unsafe body(&layer)
            }
        }
        return (weights, bias)
    }
}

/// Weights and optimizer state as the kernels take them, with guards behind.
struct GuardedParameters {
    var w: [Float]
    var first: [Float]
    var second: [Float]

    mutating func withParameters(_ body: (CParameters) -> Void) {
        unsafe w.withUnsafeMutableBufferPointer { w in
            unsafe first.withUnsafeMutableBufferPointer { first in
                unsafe second.withUnsafeMutableBufferPointer { second in
                    unsafe body(
                        CParameters(
                            weights: w.baseAddress,
                            first: first.baseAddress,
                            second: second.baseAddress
                        )
                    )
                }
            }
        }
    }
}
