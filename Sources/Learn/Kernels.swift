internal import CKernels

/// The safe face of `CKernels`: names of places in, sizes checked, addresses out.
extension NetworkMemory {
    /// output = weights input (+ bias)
    mutating func multiply(_ weights: Matrix, _ bias: Matrix?, input: Vector, output: Vector) {
        precondition(input.count == weights.columns && output.count == weights.rows)
        unsafe ckernels_multiply(
            path,
            address(weights),
            bias.map { unsafe address(checked($0, output)) },
            activation(input),
            activation(output),
            weights.rows,
            weights.columns
        )
    }

    /// The backward pass of `multiply` and the update of its weights and bias, whose gradients are
    /// dOutput inputᵀ and dOutput: dInput += weightsᵀ dOutput, with the weights from before.
    mutating func backward(_ weights: Matrix, _ bias: Matrix?, input: Vector, output: Vector) {
        precondition(input.count == weights.columns && output.count == weights.rows)
        unsafe withUnsafePointer(to: rules.dense) { rule in
            if let bias {
                unsafe ckernels_update(
                    path,
                    rule,
                    updated(checked(bias, output), rows: 0..<1),
                    gradient(output),
                    1,
                    output.count
                )
            }
            unsafe ckernels_backward(
                path,
                rule,
                updated(weights, rows: 0..<weights.rows),
                activation(input),
                gradient(output),
                gradient(input),
                weights.rows,
                weights.columns
            )
        }
    }

    /// Asks for a row and its optimizer state to be brought near, since tables do not fit the caches.
    func prefetchRow(_ row: Int, of table: Matrix) {
        precondition(row >= 0 && row < table.rows)
        let row = unsafe updated(table, rows: row..<row + 1)
        unsafe ckernels_prefetch(row)
    }

    /// output = the row
    mutating func copyRow(_ row: Int, of table: Matrix, to output: Vector) {
        precondition(output.count == table.columns)
        unsafe activation(output).update(from: address(table, row: row), count: output.count)
    }

    /// output += scale · the row
    mutating func addRow(_ row: Int, of table: Matrix, scale: Float, to output: Vector) {
        precondition(output.count == table.columns)
        unsafe ckernels_add_scaled(
            path,
            activation(output),
            address(table, row: row),
            scale,
            output.count
        )
    }

    /// Moves the row of an embedding table by the gradient scale · dOutput.
    mutating func updateRow(_ row: Int, of table: Matrix, scale: Float, output: Vector) {
        precondition(output.count == table.columns)
        unsafe withUnsafePointer(to: rules.embedding) { rule in
            unsafe ckernels_update(
                path,
                rule,
                updated(table, rows: row..<row + 1),
                gradient(output),
                scale,
                output.count
            )
        }
    }

    /// sum += scale · values
    mutating func addScaled(_ values: Vector, scale: Float, to sum: Vector) {
        precondition(sum.count == values.count)
        unsafe ckernels_add_scaled(path, activation(sum), activation(values), scale, sum.count)
    }

    /// dValues += scale · dSum
    mutating func addScaledGradient(_ sum: Vector, scale: Float, to values: Vector) {
        precondition(sum.count == values.count)
        unsafe ckernels_add_scaled(path, gradient(values), gradient(sum), scale, sum.count)
    }

    /// dScales[i] += values[i] · dSum, `values` being as many vectors of the sum's size.
    mutating func dotGradient(_ values: Vector, with sum: Vector, to scales: Vector) {
        precondition(values.count == scales.count * sum.count)
        unsafe ckernels_multiply(
            path,
            activation(values),
            gradient(scales),
            gradient(sum),
            gradient(scales),
            scales.count,
            sum.count
        )
    }

    /// values = max(values, 0)
    mutating func relu(_ values: Vector) {
        unsafe ckernels_relu(path, activation(values), values.count)
    }

    /// dValues = 0 where values ≤ 0
    mutating func reluBackward(_ values: Vector) {
        unsafe ckernels_relu_backward(
            path,
            gradient(values),
            activation(values),
            values.count
        )
    }

    private func checked(_ bias: Matrix, _ output: Vector) -> Matrix {
        precondition(bias.rows == 1 && bias.columns == output.count)
        return bias
    }

    private func address(_ matrix: Matrix) -> UnsafeMutablePointer<Float> {
        unsafe parameters.address(matrix.offset, matrix.count)
    }

    private func address(_ matrix: Matrix, row: Int) -> UnsafeMutablePointer<Float> {
        precondition(row >= 0 && row < matrix.rows)
        return unsafe parameters.address(
            matrix.offset + row * matrix.columns,
            matrix.columns
        )
    }

    private func activation(_ vector: Vector) -> UnsafeMutablePointer<Float> {
        unsafe activations.address(vector.offset, vector.count)
    }

    private func gradient(_ vector: Vector) -> UnsafeMutablePointer<Float> {
        unsafe gradients.address(vector.offset, vector.count)
    }

    /// Weights and optimizer state of rows of a matrix.
    private func updated(_ matrix: Matrix, rows: Range<Int>) -> CParameters {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= matrix.rows)
        let offset = matrix.offset + rows.lowerBound * matrix.columns
        let count = rows.count * matrix.columns
        return unsafe CParameters(
            weights: parameters.address(offset, count),
            first: rules.slots > 0 ? optimizerState.address(offset, count) : nil,
            second: rules.slots > 1 ? optimizerState.address(parameters.count + offset, count) : nil
        )
    }
}
