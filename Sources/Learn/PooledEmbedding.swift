internal import Events

/// The embedding of a list field: output = the sum of its rows, or their mean; zeros for none.
struct PooledEmbedding {
    let table: EmbeddingTable
    let pooling: FeatureField.Pooling

    func forward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.pool(rows, of: table, scale: scale(rows.count))
    }

    /// dRow = its occurrences · dOutput (/ the length, for a mean): one update per row.
    func backward(
        _ memory: inout NetworkMemory,
        rows: Span<UInt32>,
        occurrences: inout RowOccurrences
    ) {
        occurrences.count(rows, each: scale(rows.count))
        memory.update(occurrences.rows, of: table, scales: occurrences.scales)
    }

    private func scale(_ length: Int) -> Float {
        switch pooling {
        case .mean: 1 / Float(max(length, 1))
        case .sum: 1
        }
    }
}
