import Events

/// A field's value as a serving client has it: hashed, but not standardised or bucketed.
enum RawValue {
    case row(Int64)
    /// nil: absent.
    case list([Int64]?)
    /// nil: absent.
    case number(Float?)
}

/// One impression in the clear, from which a test makes both the learner's words and a client's inputs.
struct RawImpression {
    /// One per field of the schema.
    var values: [RawValue]

    static func random(
        _ schema: FeatureSchema,
        longestList: Int,
        using random: inout ExportRandom
    ) -> RawImpression {
        RawImpression(
            values: schema.fields.map { field in
                switch field.kind {
                case .categorical(let rows):
                    return .row(.random(in: 0...Int64(rows), using: &random))
                case .list(let rows, _):
                    if longestList == 0 { return .list([]) }
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: return .list([])
                    case 1: return .list(nil)
                    default:
                        let length = Int.random(in: 1...longestList, using: &random)
                        return .list(
                            (0..<length).map { _ in .random(in: 0..<Int64(rows), using: &random) }
                        )
                    }
                case .numeric, .bucketed:
                    return .number(number(field, using: &random))
                }
            }
        )
    }

    /// Boundaries themselves, numbers beside them, absent ones, and from all over the range.
    private static func number(_ field: FeatureField, using random: inout ExportRandom) -> Float? {
        if case .bucketed(let boundaries) = field.kind, Bool.random(using: &random) {
            let boundary = boundaries.randomElement(using: &random)!
            return [boundary, boundary.nextDown, boundary.nextUp].randomElement(using: &random)!
        }
        return switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: nil
        case 2: 0
        case 3: Float.greatestFiniteMagnitude.nextDown
        case 4: -1e30
        case 5: -Float.leastNonzeroMagnitude
        default: Float.random(in: -40..<120, using: &random)
        }
    }

    /// As the learner gets it.
    func words(_ schema: FeatureSchema) -> [UInt32] {
        var words: [UInt32] = []
        for (field, value) in zip(schema.fields, values) {
            switch (value, field.kind) {
            case (.row(let row), _): words.append(UInt32(row))
            case (.list(let rows), _):
                let rows = rows?.map { UInt32($0) } ?? [field.missingRow]
                words.append(UInt32(rows.count))
                words += rows
            case (.number(let number), .bucketed(let boundaries)):
                words.append(
                    number.map { number in UInt32(boundaries.filter { $0 <= number }.count) }
                        ?? field.missingRow
                )
            case (.number(let number), _): words.append((number ?? .nan).bitPattern)
            }
        }
        return words
    }
}
