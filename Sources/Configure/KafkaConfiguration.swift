internal import Foundation
internal import Yams

/// Where the events come from when they come from Kafka.
public struct KafkaConfiguration: Equatable, Sendable {
    /// One topic per role.
    public struct Topics: Equatable, Sendable {
        public var impressions = "impressions"
        public var clicks = "clicks"
        public var conversions = "conversions"
        public init() {}
    }

    /// Where a run without a snapshot begins.
    public enum Start: Equatable, Sendable {
        case earliest
        case latest
        /// At the first record whose timestamp is this or later, milliseconds since the epoch.
        case time(Int64)
    }

    /// Where a secret is read from when connecting. The secret itself is never kept or printed.
    public enum Secret: Equatable, Sendable {
        case environment(String)
        case file(String)
    }

    public var topics = Topics()
    public var start = Start.earliest
    /// How long a broker may stay silent at the start, milliseconds.
    public var connectTimeout: Int64 = 30_000
    /// librdkafka's settings by their own names.
    public var settings = ["bootstrap.servers": "localhost:9092", "group.id": "freshet"]
    /// librdkafka's settings whose values are secrets.
    public var secrets: [String: Secret] = [:]

    public init() {}

    /// All of librdkafka's settings, the secrets read. Hand them over, do not keep or print them.
    /// - Throws: when a secret's variable is not set or its file cannot be read.
    public func connectionSettings(
        environment: [String: String]
    ) throws(ConfigurationError) -> [String: String] {
        var all = settings
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
            all[name] = try secret.read(environment, key: "kafka.secrets.\(name)")
        }
        return all
    }
}

extension KafkaConfiguration.Secret {
    private static let byteCountMax = 1 << 16

    fileprivate func read(
        _ environment: [String: String],
        key: String
    ) throws(ConfigurationError) -> String {
        switch self {
        case .environment(let name):
            guard let value = environment[name], !value.isEmpty else {
                throw ConfigurationError(
                    key: key,
                    problem: "the environment variable \(name) is not set"
                )
            }
            return value
        case .file(let path):
            return try KafkaConfiguration.Secret.read(path: path, key: key)
        }
    }

    /// A file's text without the line break at its end.
    private static func read(path: String, key: String) throws(ConfigurationError) -> String {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            bytes = try handle.read(upToCount: byteCountMax + 1) ?? Data()
        } catch {
            throw ConfigurationError(
                key: key,
                problem: "the file \(path) cannot be read: \(reason(of: error))"
            )
        }
        guard bytes.count <= byteCountMax, let text = String(validating: bytes, as: UTF8.self)
        else {
            throw ConfigurationError(
                key: key,
                problem: "the file \(path) is longer than \(byteCountMax) bytes or not UTF-8"
            )
        }
        let secret = text.hasSuffix("\n") || text.hasSuffix("\r\n") ? text.dropLast() : text[...]
        guard !secret.isEmpty else {
            throw ConfigurationError(key: key, problem: "the file \(path) is empty")
        }
        return String(secret)
    }
}

extension KafkaConfiguration {
    /// Settings on which the promises rest; they are always the same.
    private static let fixedSettings = [
        "check.crcs", "auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store",
        "enable.partition.eof",
    ]

    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "kafka",
            keys: ["topics", "start", "connect_timeout", "settings", "secrets"]
        )
        try readTopics(section)
        if let value = section["start"] { start = try Start(value) }
        connectTimeout = try section["connect_timeout"]?.duration(atLeast: 1) ?? connectTimeout
        try readSettings(section)
        try readSecrets(section)
    }

    private mutating func readTopics(_ section: Section) throws(ConfigurationError) {
        let names = try section.section("topics", keys: ["impressions", "clicks", "conversions"])
        topics.impressions = try names["impressions"]?.name() ?? topics.impressions
        topics.clicks = try names["clicks"]?.name() ?? topics.clicks
        topics.conversions = try names["conversions"]?.name() ?? topics.conversions
        let all = [topics.impressions, topics.clicks, topics.conversions]
        guard Set(all).count == all.count else {
            throw ConfigurationError(
                file: names.file,
                line: names.line,
                key: names.path,
                problem: "two roles share a topic, expected one topic each"
            )
        }
    }

    private mutating func readSettings(_ section: Section) throws(ConfigurationError) {
        for (name, value) in try section.section("settings", keys: nil).all {
            guard !KafkaConfiguration.fixedSettings.contains(name) else {
                throw value.error("is set by Freshet itself and cannot be changed")
            }
            guard !KafkaConfiguration.isSecret(name) else {
                throw value.error(
                    "is a secret: name its source under kafka.secrets, "
                        + "{environment: NAME} or {file: PATH}"
                )
            }
            settings[name] = try value.passedOnText()
        }
    }

    private mutating func readSecrets(_ section: Section) throws(ConfigurationError) {
        for (name, value) in try section.section("secrets", keys: nil).all {
            guard !KafkaConfiguration.fixedSettings.contains(name) else {
                throw value.error("is set by Freshet itself and cannot be changed")
            }
            // The value is not shown: somebody may have written the secret here.
            guard value.node.mapping != nil else {
                throw value.error("expected {environment: NAME} or {file: PATH}")
            }
            let source = try Section(value, keys: ["environment", "file"])
            switch (source["environment"], source["file"]) {
            case (let variable?, nil): secrets[name] = .environment(try variable.name())
            case (nil, let file?): secrets[name] = .file(try file.name())
            default: throw value.error("expected one of {environment: NAME} and {file: PATH}")
            }
            settings[name] = nil
        }
    }

    /// Whether librdkafka's setting of this name holds a secret.
    private static func isSecret(_ name: String) -> Bool {
        name.contains("password") || name.contains("secret") || name == "ssl.key.pem"
            || name == "sasl.oauthbearer.config"
    }
}

extension KafkaConfiguration.Start {
    fileprivate init(_ value: Value) throws(ConfigurationError) {
        let expected = "earliest, latest or a time such as 2026-01-01T00:00:00Z"
        switch try value.text() {
        case "earliest": self = .earliest
        case "latest": self = .latest
        case let text:
            guard let time = Timestamp.milliseconds(text) else { throw value.wrongType(expected) }
            self = .time(time)
        }
    }

    var text: String {
        switch self {
        case .earliest: "earliest"
        case .latest: "latest"
        case .time(let time): Timestamp.text(time)
        }
    }
}
