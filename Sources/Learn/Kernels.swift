internal import CKernels

/// The safe face of `CKernels`: names of places in, sizes checked, addresses out.
extension NetworkMemory {
    /// output = relu(weights input + bias), with or without bias and ReLU.
    mutating func forward(_ layer: DenseLayer) {
        unsafe withUnsafePointer(to: cLayer(layer)) {
            unsafe ckernels_forward(path, $0, activation(layer.input), activation(layer.output))
        }
    }

    /// The layer's output of the example at hand and of the expected one, in one pass over the weights.
    mutating func forwardPair(_ layer: DenseLayer) {
        unsafe withUnsafePointer(to: cLayer(layer)) {
            unsafe ckernels_forward_pair(
                path,
                $0,
                activation(layer.input),
                expectedActivations.address(layer.input.offset, layer.input.count),
                activation(layer.output),
                expectedActivations.address(layer.output.offset, layer.output.count)
            )
        }
    }

    /// The backward pass of `forward` and the update of weights and bias, whose gradients are
    /// dOutput inputᵀ and dOutput: dInput += weightsᵀ dOutput, with the weights from before.
    mutating func backward(_ layer: DenseLayer) {
        unsafe withUnsafePointer(to: rules.dense) { rule in
            unsafe withUnsafePointer(to: cLayer(layer)) {
                unsafe ckernels_backward(
                    path,
                    rule,
                    $0,
                    activation(layer.input),
                    activation(layer.output),
                    gradient(layer.output),
                    gradient(layer.input)
                )
            }
        }
    }

    /// Asks for rows and their optimizer state to be brought near, since tables do not fit the caches.
    func prefetch(_ rows: Span<UInt32>, of tables: EmbeddingRows) {
        let isValid = unsafe withTables(tables, for: rows) { tables, rows, dimension in
            unsafe ckernels_prefetch_rows(
                allParameters,
                tables,
                rows.baseAddress,
                rows.count,
                dimension
            )
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// Likewise rows of one table.
    func prefetch(_ rows: Span<UInt32>, of table: EmbeddingTable) {
        let isValid = unsafe rows.withUnsafeBufferPointer {
            unsafe ckernels_prefetch_pooled_rows(
                allParameters,
                table.cTable,
                $0.baseAddress,
                $0.count,
                table.weights.columns
            )
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// Output, part by part = one row of each table.
    mutating func copy(_ rows: Span<UInt32>, of tables: EmbeddingRows) {
        let output = unsafe activation(tables.output)
        let parameters = unsafe allParameters.weights
        let isValid = unsafe withTables(tables, for: rows) { tables, rows, dimension in
            unsafe ckernels_copy_rows(
                path,
                parameters,
                tables,
                rows.baseAddress,
                output,
                rows.count,
                dimension
            )
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// Moves one row of each table by its part of dOutput.
    mutating func update(_ rows: Span<UInt32>, of tables: EmbeddingRows) {
        let gradient = unsafe gradient(tables.output)
        let isValid = unsafe withUnsafePointer(to: rules[tables.part]) { rule in
            unsafe withTables(tables, for: rows) { tables, rows, dimension in
                unsafe ckernels_update_rows(
                    path,
                    rule,
                    allParameters,
                    tables,
                    rows.baseAddress,
                    gradient,
                    rows.count,
                    dimension
                )
            }
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// output = scale · the sum of rows
    mutating func pool(_ rows: Span<UInt32>, of table: EmbeddingTable, scale: Float) {
        let output = unsafe activation(table.output)
        let isValid = unsafe rows.withUnsafeBufferPointer {
            unsafe ckernels_pool_rows(
                path,
                allParameters.weights,
                table.cTable,
                $0.baseAddress,
                scale,
                output,
                $0.count,
                table.weights.columns
            )
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// Moves each row by the gradient its scale · dOutput; the rows differ.
    mutating func update(_ rows: Span<UInt32>, of table: EmbeddingTable, scales: Span<Float>) {
        precondition(rows.count == scales.count)
        let gradient = unsafe gradient(table.output)
        let isValid = unsafe rows.withUnsafeBufferPointer { rows in
            unsafe scales.withUnsafeBufferPointer { scales in
                unsafe withUnsafePointer(to: rules[table.part]) { rule in
                    unsafe ckernels_update_pooled_rows(
                        path,
                        rule,
                        allParameters,
                        table.cTable,
                        rows.baseAddress,
                        scales.baseAddress,
                        gradient,
                        rows.count,
                        table.weights.columns
                    )
                }
            }
        }
        precondition(isValid, "a feature's row is not in its table")
    }

    /// mixture = Σ_i gate_i experts_i
    mutating func mix(_ experts: Vector, gate: Vector, to mixture: Vector) {
        precondition(experts.count == gate.count * mixture.count)
        unsafe ckernels_mix(
            path,
            activation(experts),
            activation(gate),
            activation(mixture),
            gate.count,
            mixture.count
        )
    }

    /// dGate_i += experts_i · dMixture, dExperts_i += gate_i dMixture
    mutating func mixBackward(_ experts: Vector, gate: Vector, from mixture: Vector) {
        precondition(experts.count == gate.count * mixture.count)
        unsafe ckernels_mix_backward(
            path,
            activation(experts),
            activation(gate),
            gradient(mixture),
            gradient(experts),
            gradient(gate),
            gate.count,
            mixture.count
        )
    }

    /// Lends tables with as many rows, and the rows' size.
    private func withTables<Result>(
        _ tables: EmbeddingRows,
        for rows: Span<UInt32>,
        _ body: (UnsafePointer<CTable>, UnsafeBufferPointer<UInt32>, Int) -> Result
    ) -> Result {
        precondition(rows.count == tables.count)
        return unsafe self.tables.withTables(of: tables.part) { all in
            precondition(!tables.places.isEmpty && tables.places.upperBound <= all.count)
            return unsafe rows.withUnsafeBufferPointer { rows in
                let first = unsafe all.baseAddress! + tables.places.lowerBound
                return unsafe body(first, rows, tables.dimension)
            }
        }
    }

    private func activation(_ vector: Vector) -> UnsafeMutablePointer<Float> {
        unsafe activations.address(vector.offset, vector.count)
    }

    private func gradient(_ vector: Vector) -> UnsafeMutablePointer<Float> {
        unsafe gradients.address(vector.offset, vector.count)
    }

    @inline(__always)
    private func cLayer(_ layer: DenseLayer) -> CDenseLayer {
        let (weights, input, output) = (layer.weights, layer.input, layer.output)
        precondition(input.count == weights.columns && output.count == weights.rows)
        if let bias = layer.bias { precondition(bias.rows == 1 && bias.columns == output.count) }
        return unsafe CDenseLayer(
            weights: updated(weights),
            bias: layer.bias.map { unsafe updated($0) } ?? CParameters(),
            outputs: weights.rows,
            inputs: weights.columns,
            has_relu: layer.activation == .relu
        )
    }

    /// Weights and optimizer state of a matrix.
    @inline(__always)
    private func updated(_ matrix: Matrix) -> CParameters {
        let (offset, count) = (matrix.offset, matrix.count)
        return unsafe CParameters(
            weights: parameters.address(offset, count),
            first: rules.slots > 0 ? optimizerState.address(offset, count) : nil,
            second: rules.slots > 1 ? optimizerState.address(parameters.count + offset, count) : nil
        )
    }

    /// All weights with their optimizer state.
    private var allParameters: CParameters {
        unsafe updated(Matrix(offset: 0, rows: 1, columns: parameters.count))
    }
}
