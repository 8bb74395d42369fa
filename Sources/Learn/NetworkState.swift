public import StateCoding

/// What a network has learned: a copy that may go to another thread.
public struct NetworkState: Equatable, Sendable {
    /// All parameters, laid out as `Network.tensors` says; what lies between tensors is 0.
    public var parameters: [Float]
    /// Adagrad: n, laid out like the parameters. FTRL: z, then n. SGD: nothing.
    public var optimizerState: [Float]

    public init(parameters: [Float], optimizerState: [Float]) {
        self.parameters = parameters
        self.optimizerState = optimizerState
    }
}

extension Network {
    /// The tensors in the order in which they lie in the parameters.
    public var tensors: [Tensor] { layout.entries.map(\.tensor) }

    public var parameterCount: Int { memory.parameters.count }
    public var optimizerStateCount: Int { memory.optimizerState.count }

    /// Lends all parameters, laid out as `tensors` says.
    public func withParameters<Result, Failure: Error>(
        _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try memory.parameters.withSpan(body)
    }

    /// Lends the optimizer's state, laid out as in `NetworkState`.
    public func withOptimizerState<Result, Failure: Error>(
        _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try memory.optimizerState.withSpan(body)
    }

    /// A copy of everything learned: two copies of memory.
    public func copyState() -> NetworkState {
        NetworkState(
            parameters: memory.parameters.copy(of: 0..<parameterCount),
            optimizerState: memory.optimizerState.copy(of: 0..<optimizerStateCount)
        )
    }

    /// Likewise, into the memory of an earlier copy, which costs a fraction: fresh memory is mapped
    /// page by page when it is first written to.
    public func copyState(into state: inout NetworkState) {
        guard state.parameters.count == parameterCount,
            state.optimizerState.count == optimizerStateCount
        else {
            state = copyState()
            return
        }
        memory.parameters.copy(to: &state.parameters)
        memory.optimizerState.copy(to: &state.optimizerState)
    }

    /// A state of this network's size with nothing in it, to copy into.
    public var emptyState: NetworkState {
        NetworkState(
            parameters: FloatBuffer.zeros(parameterCount),
            optimizerState: FloatBuffer.zeros(optimizerStateCount)
        )
    }

    /// Goes on from a copied state.
    /// - Throws: `StateError` if it is of another size than this network's; then nothing has changed.
    public mutating func restore(_ state: NetworkState) throws(StateError) {
        guard state.parameters.count == parameterCount else {
            throw StateError(
                "the state has \(state.parameters.count) parameters, the network \(parameterCount)"
            )
        }
        guard state.optimizerState.count == optimizerStateCount else {
            throw StateError(
                "the state has \(state.optimizerState.count) numbers of optimizer state, "
                    + "the network \(optimizerStateCount)"
            )
        }
        expected.clear()
        memory.parameters.replace(at: 0, with: state.parameters)
        memory.optimizerState.replace(at: 0, with: state.optimizerState)
    }

    /// The values of one tensor, row-major; nil if there is none of that name.
    public func values(of name: String) -> [Float]? {
        entry(name).map { memory.parameters.copy(of: $0.tensor.range) }
    }

    /// Gives a tensor other values, its optimizer state starting anew from them.
    /// - Throws: `StateError` if there is no tensor of that name or it is of another size.
    public mutating func setValues(_ values: [Float], of name: String) throws(StateError) {
        guard let entry = entry(name) else { throw StateError("no tensor \(name)") }
        guard entry.tensor.range.count == values.count else {
            throw StateError(
                "\(values.count) values for \(name), which has \(entry.tensor.range.count)"
            )
        }
        expected.clear()
        memory.parameters.replace(at: entry.tensor.range.lowerBound, with: values)
        memory.resetOptimizerState(of: entry, method: method)
    }

    private func entry(_ name: String) -> NetworkLayout.Entry? {
        layout.entries.first { $0.tensor.name == name }
    }
}
