internal import Events

/// A key on which two configurations disagree.
public struct ConfigurationDifference: Equatable, Sendable, CustomStringConvertible {
    /// The dotted key.
    public var key: String
    /// Its value in the saved configuration; nil if it has none there.
    public var saved: String?
    /// Its value in the current one; nil if it has none there.
    public var current: String?

    public init(key: String, saved: String?, current: String?) {
        self.key = key
        self.saved = saved
        self.current = current
    }

    public var description: String {
        "\(key): the state was made with \(saved ?? "no value"), "
            + "the configuration has \(current ?? "no value")"
    }
}

extension Configuration {
    /// What determines the state, as dotted keys and value texts in a fixed order: seed, events,
    /// order, join, features and everything of the model. Kafka, snapshots, quarantine and
    /// publishing may change between runs and are not in it.
    public var canonical: [(key: String, value: String)] {
        let keys = resolvedKeys.filter(\.shapesState)
        // The order of the features is part of the state: it is the order of the trunk's inputs.
        let order = ("features", yamlList(schema.fields.map { yamlText($0.name) }))
        let split = keys.firstIndex { $0.path[0] == "features" } ?? keys.endIndex
        return keys[..<split].map { ($0.key, $0.value) } + [order]
            + keys[split...].map { ($0.key, $0.value) }
    }

    /// XXH64 of the canonical text, 16 hexadecimal digits.
    public var fingerprint: String {
        let text = canonical.map { "\($0.key)=\($0.value)\n" }.joined()
        let digits = String(xxHash64(text.utf8Span.span, seed: 0), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The first key, in the order of the current configuration, on which two canonical forms
    /// disagree; keys that only the saved one has come last, by name. The order of `saved` does not
    /// matter.
    public static func firstDifference(
        saved: [(key: String, value: String)],
        current: [(key: String, value: String)]
    ) -> ConfigurationDifference? {
        let savedValues = Dictionary(saved.map { ($0.key, $0.value) }) { first, _ in first }
        for (key, value) in current where savedValues[key] != value {
            return ConfigurationDifference(key: key, saved: savedValues[key], current: value)
        }
        let known = Set(current.map(\.key))
        guard let key = savedValues.keys.filter({ !known.contains($0) }).min() else { return nil }
        return ConfigurationDifference(key: key, saved: savedValues[key], current: nil)
    }
}
