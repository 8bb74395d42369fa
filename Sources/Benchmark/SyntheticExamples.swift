import Configure
import Events

/// A model of another size than the configured one, and random examples for it: how training grows
/// with its parts.
struct SyntheticScale {
    /// Categorical fields.
    var fields: Int
    /// Rows of all tables together.
    var rows: Int

    var schema: FeatureSchema {
        let rows = max(1, rows / fields - 1)
        return FeatureSchema(
            fields: (0..<fields).map {
                FeatureField(name: "f\($0)", kind: .categorical(rows: rows))
            }
        )
    }

    /// Rows are drawn with a density that falls with the square root, from hot to cold; 5 % are
    /// clicked, of those 10 % convert.
    func examples(count: Int) -> TrainingExamples {
        var examples = TrainingExamples()
        var random = UInt64(88_172_645_463_325_252)
        func next() -> Double {
            // Marsaglia's xorshift64.
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return Double(random >> 11) / Double(1 << 53)
        }
        let rows = schema.fields.map(\.rows)
        var words = [UInt32](repeating: 0, count: fields)
        for _ in 0..<count {
            for field in words.indices {
                let uniform = next()
                words[field] = UInt32(uniform * uniform * Double(rows[field]))
            }
            let clicked = next() < 0.05
            examples.append(words.span, clicked: clicked, converted: clicked && next() < 0.1)
        }
        return examples
    }
}
