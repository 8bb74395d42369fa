/// librdkafka's settings by their own names (`bootstrap.servers`, `security.protocol`, …), passed
/// through unread. Their values are never printed: any of them may be a secret.
public struct KafkaSettings: Equatable, Sendable, CustomStringConvertible {
    public var values: [String: String]

    public init(_ values: [String: String]) {
        self.values = values
    }

    /// The addresses that a client asks first, for error messages; nil if none are given.
    public var servers: String? {
        values["bootstrap.servers"] ?? values["metadata.broker.list"]
    }

    /// The names alone.
    public var description: String {
        "KafkaSettings(\(values.keys.sorted().joined(separator: ", ")))"
    }
}

/// Removes the values of settings from texts of librdkafka, which likes to quote them.
struct Redaction: Sendable {
    private var words: Set<String> = []

    private static let secretNames = [
        "password", "secret", "key.pem", "certificate.pem", "oauthbearer", "jaas", "token",
    ]

    /// Hides the secrets among `settings`.
    init(secretsOf settings: KafkaSettings) {
        for (name, value) in settings.values
        where Self.secretNames.contains(where: { name.contains($0) }) {
            hide(value)
        }
    }

    /// Hides `value`, whatever setting it belongs to.
    init(value: String) {
        hide(value)
    }

    /// A text may quote a value whole or in pieces, so both are hidden.
    private mutating func hide(_ value: String) {
        words.insert(value)
        let pieces = value.split { " =,;:\"'\n\r\t".contains($0) }
        words.formUnion(pieces.filter { $0.count > 2 }.map(String.init))
        words.remove("")
    }

    func callAsFunction(_ text: String) -> String {
        var result = text
        for word in words.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            result = Self.replace(word, in: result)
        }
        return result
    }

    /// Replaces `word` where it does not continue into letters or digits on either side.
    private static func replace(_ word: String, in text: String) -> String {
        let text = Array(text.utf8)
        let word = Array(word.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            let end = index + word.count
            if end <= text.count, text[index..<end].elementsEqual(word),
                !(index > 0 && isAlphanumeric(text[index - 1]) && isAlphanumeric(word[0])),
                !(end < text.count && isAlphanumeric(text[end])
                    && isAlphanumeric(word[word.count - 1]))
            {
                result += Array("…".utf8)
                index = end
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            true
        default: false
        }
    }
}
