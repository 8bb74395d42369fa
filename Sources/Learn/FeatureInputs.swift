internal import Events

/// The network's first step: encoded feature words to the trunk's input x, the fields' outputs one
/// after the other, in the schema's order.
struct FeatureInputs {
    private enum Group {
        /// Neighbouring fields with one row each.
        case rows(EmbeddingRows)
        case list(PooledEmbedding)
        /// A standardised number, passed through to this place.
        case number(Vector)
    }

    private let groups: [Group]
    /// x
    let output: Vector
    private var occurrences = RowOccurrences()

    init(schema: FeatureSchema, dimension: Int, deviation: Float, layout: inout NetworkLayout) {
        precondition(dimension > 0, "an embedding needs a dimension")
        let sizes = schema.fields.map { $0.rows > 0 ? dimension : 1 }
        precondition(!sizes.isEmpty, "the network needs a feature")
        output = layout.addVector(sizes.reduce(0, +))
        var groups: [Group] = []
        var offset = 0
        for (field, size) in zip(schema.fields, sizes) {
            let place = output[offset..<offset + size]
            offset += size
            if case .numeric = field.kind {
                groups.append(.number(place))
                continue
            }
            let table = EmbeddingTable(
                field: field,
                dimension: dimension,
                output: place,
                deviation: deviation,
                layout: &layout
            )
            if case .list(_, let pooling) = field.kind {
                groups.append(.list(PooledEmbedding(table: table, pooling: pooling)))
            } else if case .rows(var rows) = groups.last {
                rows.append(table)
                groups[groups.count - 1] = .rows(rows)
            } else {
                groups.append(.rows(EmbeddingRows(table)))
            }
        }
        self.groups = groups
    }

    /// Asks for all rows at once, which then arrive together.
    func prefetch(_ memory: borrowing NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for group in groups {
            switch group {
            case .rows(let rows):
                memory.prefetch(words.extracting(position..<position + rows.count), of: rows)
                position += rows.count
            case .list(let pooled):
                let range = listRange(words, at: position)
                memory.prefetch(words.extracting(range), of: pooled.table)
                position = range.upperBound
            case .number:
                position += 1
            }
        }
    }

    func forward(_ memory: inout NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for group in groups {
            switch group {
            case .rows(let rows):
                rows.forward(
                    &memory,
                    rows: words.extracting(position..<position + rows.count)
                )
                position += rows.count
            case .list(let pooled):
                let range = listRange(words, at: position)
                pooled.forward(&memory, rows: words.extracting(range))
                position = range.upperBound
            case .number(let place):
                memory.activations[place.offset] = Float(bitPattern: words[position])
                position += 1
            }
        }
        precondition(position == words.count, "feature words do not fit the schema")
    }

    mutating func backward(_ memory: inout NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for group in groups {
            switch group {
            case .rows(let rows):
                rows.backward(
                    &memory,
                    rows: words.extracting(position..<position + rows.count)
                )
                position += rows.count
            case .list(let pooled):
                let range = listRange(words, at: position)
                pooled.backward(
                    &memory,
                    rows: words.extracting(range),
                    occurrences: &occurrences
                )
                position = range.upperBound
            case .number:
                position += 1
            }
        }
    }

    /// Where the rows are of the list whose length is at `position`.
    private func listRange(_ words: Span<UInt32>, at position: Int) -> Range<Int> {
        position + 1..<position + 1 + Int(words[position])
    }
}
