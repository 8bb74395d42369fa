internal import Events

/// The table of a list field: output = the sum of the list's rows, or their mean; zeros for none.
struct PooledEmbedding {
    let table: EmbeddingTable
    let pooling: FeatureField.Pooling

    func forward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.pool(rows, of: table, scale: scale(rows.count))
    }

    /// dRow = its occurrences · dOutput (/ the length, for a mean): one update per row.
    /// - Parameter occurrences: those of the list, each counting `scale` of its length.
    func backward(_ memory: inout NetworkMemory, occurrences: RowOccurrences) {
        memory.update(
            occurrences.rows.span.extracting(first: occurrences.count),
            of: table,
            scales: occurrences.scales.span.extracting(first: occurrences.count)
        )
    }

    /// What each row of a list counts.
    func scale(_ length: Int) -> Float {
        switch pooling {
        case .mean: 1 / Float(max(length, 1))
        case .sum: 1
        }
    }
}
