internal import CKernels

/// All memory of a network, allocated once, and how its loops run. The layers hold only places in it.
struct NetworkMemory: ~Copyable {
    var parameters: FloatBuffer
    /// As many times the parameters as the optimizer has slots: slot after slot.
    var optimizerState: FloatBuffer
    /// Every intermediate result of one example.
    var activations: FloatBuffer
    /// Likewise of the example that is expected to be trained next.
    var expectedActivations: FloatBuffer
    /// ∂loss/∂activation, at the activation's place. Layers add to it.
    var gradients: FloatBuffer
    let tables: PartTables
    let rules: UpdateRules
    let path: CKernelPath

    init(layout: NetworkLayout, rules: UpdateRules, path: CKernelPath) {
        parameters = FloatBuffer(count: layout.parameterCount)
        optimizerState = FloatBuffer(count: layout.parameterCount * rules.slots)
        activations = FloatBuffer(count: layout.activationCount)
        expectedActivations = FloatBuffer(count: layout.activationCount)
        gradients = FloatBuffer(count: layout.activationCount)
        tables = layout.tables
        self.rules = rules
        self.path = path
    }

    /// Makes the expected example the one at hand, and the other way round.
    mutating func swapExamples() { swap(&activations, &expectedActivations) }

    mutating func clearGradients() {
        gradients.fill(0..<gradients.count, with: 0)
    }
}
