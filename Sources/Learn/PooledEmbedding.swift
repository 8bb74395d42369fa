internal import Events

/// The embedding of a list field: output = the sum of its rows, or their mean; zeros for none.
struct PooledEmbedding {
    let table: EmbeddingTable
    let pooling: FeatureField.Pooling

    func forward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.clearActivations(table.output)
        let scale = scale(rows.count)
        for index in rows.indices {
            memory.addRow(Int(rows[index]), of: table.weights, scale: scale, to: table.output)
        }
    }

    /// dRow = its occurrences · dOutput (/ the length, for a mean): one update per row.
    func backward(
        _ memory: inout NetworkMemory,
        rows: Span<UInt32>,
        occurrences: inout RowOccurrences
    ) {
        occurrences.count(rows)
        let scale = scale(rows.count)
        for (row, count) in occurrences.counted {
            memory.updateRow(
                Int(row),
                of: table.weights,
                scale: scale * Float(count),
                output: table.output
            )
        }
    }

    private func scale(_ length: Int) -> Float {
        switch pooling {
        case .mean: 1 / Float(max(length, 1))
        case .sum: 1
        }
    }
}
