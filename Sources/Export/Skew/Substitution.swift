internal import Events

/// What serving may have seen in place of a field's value.
public enum Substitution: String, CaseIterable, Codable, Sendable {
    /// No value at all.
    case missing
    /// A list without elements.
    case empty
    /// The number 0.
    case zero
    /// The value of the impression before: stale or misaligned features.
    case previous
}

/// Puts other values into one field of encoded impressions.
struct FieldSubstitution: Sendable {
    /// Index of the field in the schema.
    let field: Int
    let substitution: Substitution
    /// What stands there instead; nil: what the impression before has.
    private let words: [UInt32]?

    /// All that make sense for a schema.
    static func all(of schema: FeatureSchema) -> [FieldSubstitution] {
        schema.fields.enumerated().flatMap { index, field in
            Substitution.allCases.compactMap { FieldSubstitution(index, field, $0) }
        }
    }

    /// nil if it makes no sense for a field of that kind.
    private init?(_ index: Int, _ field: FeatureField, _ substitution: Substitution) {
        self.field = index
        self.substitution = substitution
        switch (substitution, field.kind) {
        case (.previous, _): words = nil
        case (.missing, .list): words = [1, field.missingRow]
        case (.missing, .numeric): words = [Float.nan.bitPattern]
        case (.missing, _): words = [field.missingRow]
        case (.empty, .list): words = [0]
        case (.zero, .numeric): words = [Float(0).bitPattern]
        case (.zero, .bucketed(let boundaries)):
            words = [UInt32(boundaries.count { $0 <= 0 })]
        case (.empty, _), (.zero, _): return nil
        }
    }

    /// Replaces `variant` by the impression with the other value in it.
    /// - Returns: whether that is another impression.
    func substitute(
        in impression: ArraySlice<UInt32>,
        fields: [Range<Int>],
        previous: (words: ArraySlice<UInt32>, fields: [Range<Int>])?,
        into variant: inout [UInt32]
    ) -> Bool {
        let range = fields[field]
        let replacement: ArraySlice<UInt32>
        if let words {
            replacement = words[...]
        } else {
            guard let previous else { return false }
            replacement = previous.words[previous.fields[field]]
        }
        if replacement.elementsEqual(impression[range]) { return false }
        variant.removeAll(keepingCapacity: true)
        variant += impression[..<range.lowerBound]
        variant += replacement
        variant += impression[range.upperBound...]
        return true
    }
}

extension FeatureSchema {
    /// Where each field's words are in an encoded impression.
    func fieldRanges(of words: ArraySlice<UInt32>) -> [Range<Int>] {
        var next = words.startIndex
        return fields.map { field in
            let start = next
            if case .list = field.kind { next += Int(words[start]) }
            next += 1
            return start..<next
        }
    }
}
