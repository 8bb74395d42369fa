internal import CKernels
internal import Events

/// The embedding table of one field, [rows + 1, dimension]. The last row is that of a missing value.
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
        precondition(output.count == dimension)
        weights = layout.addMatrix(
            ["embedding.\(field.name).weight"],
            shape: [field.rows + 1, dimension],
            part: .embedding,
            start: .normal(deviation: deviation)
        )
        self.output = output
    }

    var cTable: CTable { CTable(offset: weights.offset, rows: weights.rows) }
}
