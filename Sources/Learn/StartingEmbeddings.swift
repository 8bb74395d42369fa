public import Events

/// The values that a fresh network's embedding tables start from, one table after the other: what a
/// table is held against to see which of its rows have learnt something.
public struct StartingEmbeddings: ~Copyable {
    private let entries: [NetworkLayout.Entry]
    private var random: SplitMix64
    private var next = 0

    public init(schema: FeatureSchema, settings: LearnSettings) {
        // Nothing else is drawn before them: trunk and towers come later, a linear part starts at 0.
        let layers = NetworkLayers(
            schema: schema,
            settings: settings.network,
            embeddingDeviation: settings.embeddingDeviation,
            outputBiases: (ctr: 0, cvr: 0)
        )
        entries = layers.layout.entries.filter { $0.part == .embedding }
        random = SplitMix64(seed: settings.seed)
    }

    /// Lends the next table, [rows + 1, dimension], row-major; nil after the last. Only one is held.
    public mutating func withNext<Result>(_ body: (Tensor, Span<Float>) -> Result) -> Result? {
        guard next < entries.count else { return nil }
        let entry = entries[next]
        next += 1
        let count = entry.tensor.range.count
        var table = FloatBuffer(count: count)
        table.fill(0..<count, with: entry.start, from: &random)
        return table.withSpan { body(entry.tensor, $0) }
    }
}
