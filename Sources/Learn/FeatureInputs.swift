internal import Events

/// The network's first step: encoded feature words to the trunk's input x, the fields' outputs one
/// after the other, in the schema's order; and beside it to the fields' shares of the linear part.
struct FeatureInputs {
    /// Every table with that of the linear part, if there is one: one walk over the words serves both.
    /// It holds places only, so that walking over groups counts no references.
    private enum Group {
        /// Neighbouring fields with one row each.
        case rows(EmbeddingRows, wide: EmbeddingRows?)
        case list(PooledEmbedding, wide: PooledEmbedding?)
        /// A standardised number, passed through to this place.
        case number(Vector, wide: WideNumber?)
    }

    private let groups: [Group]
    /// x
    let output: Vector
    let wide: WidePart?
    private var occurrences = RowOccurrences()

    init(
        schema: FeatureSchema,
        settings: NetworkSettings,
        deviation: Float,
        layout: inout NetworkLayout
    ) {
        let dimension = settings.embeddingDimension
        precondition(dimension > 0, "an embedding needs a dimension")
        let sizes = schema.fields.map { $0.rows > 0 ? dimension : 1 }
        precondition(!sizes.isEmpty, "the network needs a feature")
        output = layout.addVector(sizes.reduce(0, +))
        let shares = settings.wide ? layout.addVector(sizes.count * WidePart.columns) : nil
        wide = shares.map(WidePart.init)
        var groups: [Group] = []
        var offset = 0
        for (index, field) in schema.fields.enumerated() {
            let place = output[offset..<offset + sizes[index]]
            offset += sizes[index]
            let embedding =
                field.rows > 0
                ? EmbeddingTable.embedding(
                    of: field,
                    output: place,
                    deviation: deviation,
                    layout: &layout
                ) : nil
            let wide = shares.map {
                EmbeddingTable.wide(
                    of: field,
                    output: $0.part(index, size: WidePart.columns),
                    layout: &layout
                )
            }
            Self.append(field, to: &groups, place, embedding, wide: wide, layout: &layout)
        }
        self.groups = groups
    }

    private static func append(
        _ field: FeatureField,
        to groups: inout [Group],
        _ place: Vector,
        _ embedding: EmbeddingTable?,
        wide: EmbeddingTable?,
        layout: inout NetworkLayout
    ) {
        guard let embedding else {
            return groups.append(.number(place, wide: wide.map(WideNumber.init)))
        }
        if case .list(_, let pooling) = field.kind {
            let pooled = { PooledEmbedding(table: $0, pooling: pooling) }
            groups.append(.list(pooled(embedding), wide: wide.map(pooled)))
        } else if case .rows(var rows, var wideRows) = groups.last {
            rows.append(embedding, layout: &layout)
            if let wide { wideRows?.append(wide, layout: &layout) }
            groups[groups.count - 1] = .rows(rows, wide: wideRows)
        } else {
            let rows = EmbeddingRows(embedding, layout: &layout)
            let wideRows = wide.map { EmbeddingRows($0, layout: &layout) }
            groups.append(.rows(rows, wide: wideRows))
        }
    }

    /// Asks for all rows at once, which then arrive together.
    func prefetch(_ memory: borrowing NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for group in groups {
            switch group {
            case .rows(let rows, let wide):
                let words = words.extracting(position..<position + rows.count)
                memory.prefetch(words, of: rows)
                if let wide { memory.prefetch(words, of: wide) }
                position += rows.count
            case .list(let pooled, let wide):
                let range = listRange(words, at: position)
                memory.prefetch(words.extracting(range), of: pooled.table)
                if let wide { memory.prefetch(words.extracting(range), of: wide.table) }
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
            case .rows(let rows, let wide):
                let words = words.extracting(position..<position + rows.count)
                rows.forward(&memory, rows: words)
                wide?.forward(&memory, rows: words)
                position += rows.count
            case .list(let pooled, let wide):
                let range = listRange(words, at: position)
                pooled.forward(&memory, rows: words.extracting(range))
                wide?.forward(&memory, rows: words.extracting(range))
                position = range.upperBound
            case .number(let place, let wide):
                let number = Float(bitPattern: words[position])
                memory.activations[place.offset] = number
                wide?.forward(&memory, number: number)
                position += 1
            }
        }
        precondition(position == words.count, "feature words do not fit the schema")
    }

    mutating func backward(_ memory: inout NetworkMemory, words: Span<UInt32>) {
        var position = 0
        for group in groups {
            switch group {
            case .rows(let rows, let wide):
                let words = words.extracting(position..<position + rows.count)
                rows.backward(&memory, rows: words)
                wide?.backward(&memory, rows: words)
                position += rows.count
            case .list(let pooled, let wide):
                let range = listRange(words, at: position)
                occurrences.count(words.extracting(range), each: pooled.scale(range.count))
                pooled.backward(&memory, occurrences: occurrences)
                wide?.backward(&memory, occurrences: occurrences)
                position = range.upperBound
            case .number(_, let wide):
                wide?.backward(&memory, number: Float(bitPattern: words[position]))
                position += 1
            }
        }
    }

    /// Where the rows are of the list whose length is at `position`.
    private func listRange(_ words: Span<UInt32>, at position: Int) -> Range<Int> {
        position + 1..<position + 1 + Int(words[position])
    }
}
