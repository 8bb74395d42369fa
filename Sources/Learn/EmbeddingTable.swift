internal import Events

/// The embedding of one categorical or bucketed field, [rows + 1, dimension]: output = the row.
/// The last row is that of a missing value.
struct EmbeddingTable {
    let weights: Matrix
    let output: Vector

    init(
        field: FeatureField,
        dimension: Int,
        output: Vector,
        deviation: Float,
        layout: inout NetworkLayout
    ) {
        weights = layout.addMatrix(
            ["embedding.\(field.name).weight"],
            shape: [field.rows + 1, dimension],
            part: .embedding,
            start: .normal(deviation: deviation)
        )
        self.output = output
    }

    func forward(_ memory: inout NetworkMemory, row: UInt32) {
        memory.copyRow(Int(row), of: weights, to: output)
    }

    /// dRow = dOutput
    func backward(_ memory: inout NetworkMemory, row: UInt32) {
        memory.updateRow(Int(row), of: weights, scale: 1, output: output)
    }
}
