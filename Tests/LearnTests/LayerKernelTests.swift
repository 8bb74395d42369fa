import CKernels
import Testing

/// The kernels against loops that anyone can read, in Double.
@Suite("Kernels")
struct LayerKernelTests {
    static let sizes = [1, 3, 7, 8, 9, 17, 168]
    static let paths = [CKernelPath.scalar, .portable, .AVX2].filter { ckernels_supports($0) }
    static let cases = paths.flatMap { path in rules.map { (path, $0) } }
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

    @Test("a layer is the sum of products, the bias, and ReLU", arguments: sizes, sizes)
    func forward(outputs: Int, inputs: Int) {
        for path in Self.paths {
            for (hasBias, hasReLU) in [(false, false), (true, false), (true, true)] {
                var random = NetworkTestRandom(seed: UInt64(outputs * 1000 + inputs))
                let layer = LayerMemory(outputs, inputs, hasBias: hasBias, hasReLU, &random)
                let input = random.floats(inputs)
                var output = guarded(outputs)
                unsafe layer.withLayer { unsafe ckernels_forward(path, &$0, input, &output) }
                expectGuard(output, outputs)
                for row in 0..<outputs {
                    var sum = hasBias ? layer.bias.weights[row] : 0
                    var size = 1.0
                    for i in 0..<inputs {
                        let product = layer.weights.weights[row * inputs + i] * Double(input[i])
                        sum += product
                        size += product.magnitude
                    }
                    let expected = hasReLU ? max(sum, 0) : sum
                    let error = abs(Double(output[row]) - expected)
                    #expect(error < 1e-6 * size, "\(path) row \(row)")
                }
            }
        }
    }

    @Test("two inputs at once give what each gives alone, to the bit", arguments: sizes, sizes)
    func forwardPair(outputs: Int, inputs: Int) {
        for path in Self.paths {
            var random = NetworkTestRandom(seed: UInt64(outputs * 1000 + inputs))
            let layer = LayerMemory(outputs, inputs, hasBias: true, true, &random)
            let inputsOfBoth = (random.floats(inputs), random.floats(inputs))
            var alone = (guarded(outputs), guarded(outputs))
            var pair = (guarded(outputs), guarded(outputs))
            unsafe layer.withLayer { layer in
                unsafe ckernels_forward(path, &layer, inputsOfBoth.0, &alone.0)
                unsafe ckernels_forward(path, &layer, inputsOfBoth.1, &alone.1)
                unsafe ckernels_forward_pair(
                    path,
                    &layer,
                    inputsOfBoth.0,
                    inputsOfBoth.1,
                    &pair.0,
                    &pair.1
                )
            }
            #expect(pair.0.map(\.bitPattern) == alone.0.map(\.bitPattern), "\(path)")
            #expect(pair.1.map(\.bitPattern) == alone.1.map(\.bitPattern), "\(path)")
        }
    }

    @Test("ReLU keeps a NaN")
    func reluOfNaN() {
        for path in Self.paths {
            var random = NetworkTestRandom(seed: 3)
            let layer = LayerMemory(17, 9, hasBias: true, true, &random)
            let input = [Float](repeating: .nan, count: 9)
            var output = guarded(17)
            unsafe layer.withLayer { unsafe ckernels_forward(path, &$0, input, &output) }
            let areNaN = output[..<17].allSatisfy(\.isNaN)
            #expect(areNaN, "\(path)")
        }
    }

    @Test(
        "backward adds the input gradient and updates each row and its bias by its own",
        arguments: sizes,
        sizes
    )
    func backward(outputs: Int, inputs: Int) {
        for (path, rule) in Self.cases {
            var random = NetworkTestRandom(seed: UInt64(outputs * 1000 + inputs))
            var layer = LayerMemory(outputs, inputs, hasBias: true, true, &random)
            let input = random.floats(inputs)
            // A third of the rows is behind a closed ReLU.
            let output = (0..<outputs).map { Float($0 % 3 == 1 ? 0 : 0.5) }
            var slopes = random.floats(outputs) + guarded(0)
            let start = random.floats(inputs)
            var dInput = start + guarded(0)
            var expected = start.map(Double.init)
            var naive = layer
            for row in 0..<outputs where output[row] > 0 {
                let slope = Double(slopes[row])
                for i in 0..<inputs {
                    let index = row * inputs + i
                    expected[i] += slope * naive.weights.weights[index]
                    naive.weights.update(index, rule, gradient: slope * Double(input[i]))
                }
                naive.bias.update(row, rule, gradient: slope)
            }
            var rule = rule
            let after = unsafe layer.changed { layer in
                unsafe ckernels_backward(path, &rule, &layer, input, output, &slopes, &dInput)
            }
            expectGuard(dInput, inputs)
            expectGuard(slopes, outputs)
            for row in 0..<outputs where output[row] == 0 { #expect(slopes[row] == 0) }
            for i in 0..<inputs {
                #expect(
                    abs(Double(dInput[i]) - expected[i]) < 1e-6 * Double(outputs + 1),
                    "\(path) \(rule.method) input \(i)"
                )
            }
            // On the scalar path FTRL's weights of closed rows follow from its state again.
            if path == .scalar, rule.method == .FTRL { continue }
            naive.weights.expect(after.weights, "\(path) \(rule.method)")
            naive.bias.expect(after.bias, "\(path) \(rule.method) bias")
        }
    }

    @Test("a row whose gradient is 0 stays as it is, to the bit")
    func deadRows() {
        for (path, rule) in Self.cases where path != .scalar {
            var random = NetworkTestRandom(seed: 5)
            var layer = LayerMemory(3, 9, hasBias: true, false, &random)
            let before = layer.floats
            let input = random.floats(9)
            var dInput = [Float](repeating: 0, count: 9)
            var slopes: [Float] = [0.5, 0, -0.0]
            var rule = rule
            let after = unsafe layer.changed { layer in
                unsafe ckernels_backward(path, &rule, &layer, input, input, &slopes, &dInput)
            }
            #expect(after.weights.w[0..<9] != before.weights.w[0..<9])
            #expect(after.weights.w[9..<27] == before.weights.w[9..<27], "\(path) \(rule.method)")
            #expect(after.weights.first[9..<27] == before.weights.first[9..<27])
            #expect(after.weights.second[9..<27] == before.weights.second[9..<27])
            #expect(after.bias.w[1..<3] == before.bias.w[1..<3], "\(path) \(rule.method)")
        }
    }

    @Test("experts are mixed by their gates, forward and backward", arguments: sizes)
    func mixture(size: Int) {
        for path in Self.paths {
            var random = NetworkTestRandom(seed: UInt64(size))
            let count = 3
            let experts = random.floats(count * size)
            let gate = random.floats(count)
            let dMixture = random.floats(size)
            let (startOfExperts, startOfGate) = (random.floats(count * size), random.floats(count))
            var mixture = guarded(size)
            var dExperts = startOfExperts + guarded(0)
            var dGate = startOfGate + guarded(0)
            unsafe ckernels_mix(path, experts, gate, &mixture, count, size)
            unsafe ckernels_mix_backward(
                path,
                experts,
                gate,
                dMixture,
                &dExperts,
                &dGate,
                count,
                size
            )
            expectGuard(mixture, size)
            expectGuard(dExperts, count * size)
            expectGuard(dGate, count)
            for i in 0..<size {
                var sum = 0.0
                for k in 0..<count {
                    sum += Double(gate[k]) * Double(experts[k * size + i])
                    let expected =
                        Double(startOfExperts[k * size + i])
                        + Double(gate[k]) * Double(dMixture[i])
                    #expect(abs(Double(dExperts[k * size + i]) - expected) < 1e-6, "\(path)")
                }
                #expect(abs(Double(mixture[i]) - sum) < 1e-6, "\(path)")
            }
            for k in 0..<count {
                var sum = Double(startOfGate[k])
                for i in 0..<size { sum += Double(experts[k * size + i]) * Double(dMixture[i]) }
                #expect(abs(Double(dGate[k]) - sum) < 1e-6 * Double(size + 1), "\(path)")
            }
        }
    }
}
