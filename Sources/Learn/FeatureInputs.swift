internal import Events

/// The network's first step: encoded feature words to the trunk's input x, the fields' outputs one
/// after the other, in the schema's order.
struct FeatureInputs {
    private enum Field {
        case embedding(EmbeddingTable)
        case list(PooledEmbedding)
        /// A standardised number, passed through to this place.
        case number(Vector)
    }

    private let fields: [Field]
    /// x
    let output: Vector
    private var occurrences = RowOccurrences()

    init(schema: FeatureSchema, dimension: Int, deviation: Float, layout: inout NetworkLayout) {
        precondition(dimension > 0, "an embedding needs a dimension")
        let sizes = schema.fields.map { $0.rows > 0 ? dimension : 1 }
        precondition(!sizes.isEmpty, "the network needs a feature")
        output = layout.addVector(sizes.reduce(0, +))
        var fields: [Field] = []
        var offset = 0
        for (field, size) in zip(schema.fields, sizes) {
            let place = output[offset..<offset + size]
            offset += size
            if case .numeric = field.kind {
                fields.append(.number(place))
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
                fields.append(.list(PooledEmbedding(table: table, pooling: pooling)))
            } else {
                fields.append(.embedding(table))
            }
        }
        self.fields = fields
    }

    /// Asks for all rows at once, which then arrive together.
    func prefetch(_ memory: borrowing NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for field in fields {
            switch field {
            case .embedding(let table):
                memory.prefetchRow(Int(words[position]), of: table.weights)
                position += 1
            case .list(let pooled):
                let range = listRange(words, at: position)
                for index in range {
                    memory.prefetchRow(Int(words[index]), of: pooled.table.weights)
                }
                position = range.upperBound
            case .number:
                position += 1
            }
        }
    }

    func forward(_ memory: inout NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for field in fields {
            switch field {
            case .embedding(let table):
                table.forward(&memory, row: words[position])
                position += 1
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
        for field in fields {
            switch field {
            case .embedding(let table):
                table.backward(&memory, row: words[position])
                position += 1
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
