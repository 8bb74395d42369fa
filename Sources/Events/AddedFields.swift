/// A schema that has all fields of an older one in their order, and further ones anywhere among them.
public struct AddedFields: Equatable, Sendable {
    public let old: FeatureSchema
    public let new: FeatureSchema

    /// nil unless fields were added and nothing else has changed.
    public init?(from old: FeatureSchema, to new: FeatureSchema) {
        guard new.fields.count > old.fields.count else { return nil }
        var known = old.fields[...]
        for field in new.fields where field == known.first { known.removeFirst() }
        guard known.isEmpty else { return nil }
        self.old = old
        self.new = new
    }

    /// The names of the further fields.
    public var names: [String] { new.fields.filter { !old.fields.contains($0) }.map(\.name) }

    /// The words of an impression that came when there were only the older fields, its numbers
    /// standardised: what was added is absent.
    /// - Returns: nil if the words do not fit the older schema.
    public func words(of impression: [UInt32]) -> [UInt32]? {
        guard old.accepts(impression.span) else { return nil }
        var words: [UInt32] = []
        var rest = impression[...]
        var known = old.fields[...]
        for field in new.fields {
            if field == known.first {
                known.removeFirst()
                let count =
                    if case .list = field.kind { 1 + Int(rest[rest.startIndex]) } else { 1 }
                words += rest.prefix(count)
                rest = rest.dropFirst(count)
                continue
            }
            switch field.kind {
            case .categorical, .bucketed: words.append(field.missingRow)
            case .list: words += [1, field.missingRow]
            case .numeric: words.append(Float(0).bitPattern)
            }
        }
        return words
    }
}
