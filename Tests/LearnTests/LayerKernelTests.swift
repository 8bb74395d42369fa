import CKernels
import Testing

/// The kernels against loops that anyone can read, in Double.
@Suite("Kernels")
struct LayerKernelTests {
    static let sizes = [1, 3, 7, 8, 9, 17, 168]
    static let paths = [CKernelPath.portable, .AVX2].filter { ckernels_supports($0) }
    static let rules: [CUpdateRule] = [
        CUpdateRule(
            method: .SGD,
            rate: 0.05,
            epsilon: 0,
            accumulator_max: 0,
            beta: 0,
            l1: 0,
            l2: 0
        ),
        CUpdateRule(
            method: .adagrad,
            rate: 0.05,
            epsilon: 1e-6,
            accumulator_max: 1.5,
            beta: 0,
            l1: 0,
            l2: 0
        ),
        CUpdateRule(
            method: .FTRL,
            rate: 0.2,
            epsilon: 0,
            accumulator_max: 0,
            beta: 1,
            l1: 0.3,
            l2: 0.1
        ),
    ]

    @Test("this processor runs the portable path")
    func portableIsSupported() {
        #expect(ckernels_supports(.portable))
    }

    @Test("a matrix times a vector is the sum of products", arguments: sizes, sizes)
    func multiply(outputs: Int, inputs: Int) {
        var random = NetworkTestRandom(seed: UInt64(outputs * 1000 + inputs))
        let weights = random.floats(outputs * inputs)
        let input = random.floats(inputs)
        let bias = random.floats(outputs)
        for path in Self.paths {
            for hasBias in [true, false] {
                var output = guarded(outputs)
                unsafe ckernels_multiply(
                    path,
                    weights,
                    hasBias ? bias : nil,
                    input,
                    &output,
                    outputs,
                    inputs
                )
                expectGuard(output, outputs)
                for row in 0..<outputs {
                    var sum = hasBias ? Double(bias[row]) : 0
                    var size = 1.0
                    for i in 0..<inputs {
                        let product = Double(weights[row * inputs + i]) * Double(input[i])
                        sum += product
                        size += product.magnitude
                    }
                    #expect(abs(Double(output[row]) - sum) < 1e-6 * size, "\(path) row \(row)")
                }
            }
        }
    }

    @Test(
        "backward adds the input gradient and updates each row by its own",
        arguments: sizes,
        sizes
    )
    func backward(outputs: Int, inputs: Int) {
        for (path, rule) in Self.paths.flatMap({ path in Self.rules.map { (path, $0) } }) {
            var random = NetworkTestRandom(seed: UInt64(outputs * 1000 + inputs))
            let input = random.floats(inputs)
            // A third of the rows is behind a dead ReLU.
            let slopes = random.floats(outputs).enumerated().map { $0 % 3 == 1 ? 0 : $1 }
            let start = random.floats(inputs)
            var naive = NaiveParameters(count: outputs * inputs, random: &random)
            var (weights, first, second) = naive.guardedFloats
            var dInput = start + guarded(0)
            unsafe weights.withUnsafeMutableBufferPointer { w in
                unsafe first.withUnsafeMutableBufferPointer { n in
                    unsafe second.withUnsafeMutableBufferPointer { z in
                        let parameters = unsafe CParameters(
                            weights: w.baseAddress,
                            first: n.baseAddress,
                            second: z.baseAddress
                        )
                        var rule = rule
                        unsafe ckernels_backward(
                            path,
                            &rule,
                            parameters,
                            input,
                            slopes,
                            &dInput,
                            outputs,
                            inputs
                        )
                    }
                }
            }
            var expected = start.map(Double.init)
            for row in 0..<outputs where slopes[row] != 0 {
                for i in 0..<inputs {
                    let index = row * inputs + i
                    expected[i] += Double(slopes[row]) * naive.weights[index]
                    naive.update(index, rule, gradient: Double(slopes[row]) * Double(input[i]))
                }
            }
            expectGuard(dInput, inputs)
            for i in 0..<inputs {
                #expect(
                    abs(Double(dInput[i]) - expected[i]) < 1e-6 * Double(outputs + 1),
                    "\(path) \(rule.method) input \(i)"
                )
            }
            naive.expect(weights, first, second, "\(path) \(rule.method)")
        }
    }

    @Test("a row whose gradient is 0 stays as it is, to the bit")
    func deadRows() {
        for (path, rule) in Self.paths.flatMap({ path in Self.rules.map { (path, $0) } }) {
            var random = NetworkTestRandom(seed: 5)
            let weights = random.floats(3 * 9)
            var (w, first, second) = (weights, weights, weights)
            var dInput = [Float](repeating: 0, count: 9)
            let slopes: [Float] = [0.5, 0, -0.0]
            var rule = rule
            unsafe w.withUnsafeMutableBufferPointer { w in
                unsafe first.withUnsafeMutableBufferPointer { n in
                    unsafe second.withUnsafeMutableBufferPointer { z in
                        unsafe ckernels_backward(
                            path,
                            &rule,
                            CParameters(
                                weights: w.baseAddress,
                                first: n.baseAddress,
                                second: z.baseAddress
                            ),
                            weights,
                            slopes,
                            &dInput,
                            3,
                            9
                        )
                    }
                }
            }
            #expect(w[0..<9] != weights[0..<9])
            #expect(w[9...] == weights[9...], "\(path) \(rule.method)")
            #expect(first[9...] == weights[9...] && second[9...] == weights[9...])
        }
    }

    @Test("an update moves weights by the scaled gradient", arguments: sizes)
    func update(count: Int) {
        for (path, rule) in Self.paths.flatMap({ path in Self.rules.map { (path, $0) } }) {
            var random = NetworkTestRandom(seed: UInt64(count))
            let gradient = random.floats(count)
            var naive = NaiveParameters(count: count, random: &random)
            var (weights, first, second) = naive.guardedFloats
            unsafe weights.withUnsafeMutableBufferPointer { w in
                unsafe first.withUnsafeMutableBufferPointer { n in
                    unsafe second.withUnsafeMutableBufferPointer { z in
                        let parameters = unsafe CParameters(
                            weights: w.baseAddress,
                            first: n.baseAddress,
                            second: z.baseAddress
                        )
                        var rule = rule
                        unsafe ckernels_update(path, &rule, parameters, gradient, 0.75, count)
                    }
                }
            }
            for i in 0..<count { naive.update(i, rule, gradient: 0.75 * Double(gradient[i])) }
            naive.expect(weights, first, second, "\(path) \(rule.method)")
        }
    }

    @Test("scaled addition and ReLU", arguments: sizes)
    func elementwise(count: Int) {
        var random = NetworkTestRandom(seed: UInt64(count))
        let values = random.floats(count)
        let more = random.floats(count)
        for path in Self.paths {
            var sum = values + guarded(0)
            unsafe ckernels_add_scaled(path, &sum, more, 0.3, count)
            expectGuard(sum, count)
            for i in 0..<count { #expect(abs(sum[i] - (values[i] + 0.3 * more[i])) < 1e-6) }

            var outputs = values + guarded(0)
            unsafe ckernels_relu(path, &outputs, count)
            expectGuard(outputs, count)
            #expect(Array(outputs[..<count]) == values.map { max($0, 0) })

            var gradients = more + guarded(0)
            unsafe ckernels_relu_backward(path, &gradients, outputs, count)
            expectGuard(gradients, count)
            #expect(Array(gradients[..<count]) == zip(more, values).map { $1 > 0 ? $0 : 0 })
        }
    }

    @Test("ReLU keeps a NaN")
    func reluOfNaN() {
        for path in Self.paths {
            var values = [Float](repeating: .nan, count: 17)
            unsafe ckernels_relu(path, &values, 17)
            #expect(values.allSatisfy { $0.isNaN })
        }
    }
}

private let guardValue: Float = 12345

/// Room for `count` floats, and some behind them that nobody may touch.
private func guarded(_ count: Int) -> [Float] {
    [Float](repeating: 0, count: count) + [Float](repeating: guardValue, count: 8)
}

private func expectGuard(_ values: [Float], _ count: Int) {
    #expect(values[count...].allSatisfy { $0 == guardValue }, "written beyond the end")
}

/// Weights and optimizer state, updated as the formulas say.
private struct NaiveParameters {
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

    /// The same as the kernels take them, with guards behind.
    var guardedFloats: ([Float], [Float], [Float]) {
        (
            weights.map { Float($0) } + guarded(0), first.map { Float($0) } + guarded(0),
            second.map { Float($0) } + guarded(0)
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

    func expect(_ w: [Float], _ n: [Float], _ z: [Float], _ comment: String) {
        for (name, actual, expected) in [("w", w, weights), ("1", n, first), ("2", z, second)] {
            expectGuard(actual, expected.count)
            for i in expected.indices {
                let error = abs(Double(actual[i]) - expected[i])
                #expect(error < 1e-6 * max(1, abs(expected[i])), "\(comment) \(name)[\(i)]")
            }
        }
    }
}
