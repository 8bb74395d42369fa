internal import CKernels
internal import Events

/// The table of one field, [rows + 1, columns]. The last row is that of a missing value; a number has
/// one row, which it scales.
struct EmbeddingTable {
    let weights: Matrix
    let output: Vector
    let part: Part

    var cTable: CTable { CTable(offset: weights.offset, rows: weights.rows) }

    /// What the trunk sees of a field: a row has as many columns as `output`.
    static func embedding(
        of field: FeatureField,
        output: Vector,
        deviation: Float,
        layout: inout NetworkLayout
    ) -> EmbeddingTable {
        EmbeddingTable(
            "embedding.\(field.name).weight",
            field,
            output: output,
            part: .embedding,
            start: .normal(deviation: deviation),
            &layout
        )
    }

    /// What a field adds to the logits of CTR and CVR directly.
    static func wide(
        of field: FeatureField,
        output: Vector,
        layout: inout NetworkLayout
    ) -> EmbeddingTable {
        EmbeddingTable(
            "wide.\(field.name).weight",
            field,
            output: output,
            part: .wide,
            start: .constant(0),
            &layout
        )
    }

    private init(
        _ name: String,
        _ field: FeatureField,
        output: Vector,
        part: Part,
        start: StartingValues,
        _ layout: inout NetworkLayout
    ) {
        weights = layout.addMatrix(
            [name],
            shape: [field.rows + 1, output.count],
            part: part,
            start: start
        )
        self.output = output
        self.part = part
    }
}
