import Foundation
import Glibc
import TestSupport
import Testing

/// A state directory with a configuration of a small model beside it.
final class CommandFixture {
    let folder: TemporaryFolder
    let config: String
    let state: String

    /// - Parameter more: further lines of the configuration.
    init(_ more: String = "") throws {
        folder = try TemporaryFolder()
        config = try folder.write(Self.smallModel + more + "\n", to: "config.yaml")
        state = folder.path("state")
    }

    private static let smallModel = """
        features:
          - {name: user, kind: categorical, rows: 4096}
          - {name: ad, kind: categorical, rows: 1024}
          - {name: recent, kind: list, rows: 1024}
          - {name: price, kind: numeric}
          - {name: age, kind: bucketed, buckets: [25, 45]}
        model: {embedding_dimension: 8, experts: {count: 2, layers: [16]}, towers: {layers: [8]}}
        metrics: {cohort: 10s}

        """

    /// The configuration that `replay` of files takes.
    static let windows =
        "join: {click_window: 20s, conversion_window: 1m, orphan_window: 10s, closed_memory: 1m}"

    /// A fixture with a generated stream, flaws in it, in the folder `events`.
    static func generated(events: Int, seed: Int) throws -> CommandFixture {
        let fixture = try CommandFixture(windows)
        let outcome = try CommandProcess.run([
            "generate", "--events", "\(events)", "--seed", "\(seed)",
            "--files", fixture.folder.path("events"), "--partitions", "2",
            "--ctr", "0.2", "--cvr", "0.3", "--conversion-delay", "20",
            "--duplicates", "0.03", "--orphans", "0.03", "--late", "0.03", "--late-by", "90",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        return fixture
    }

    /// The options that read the generated stream and print JSON.
    func fileOptions(_ more: [String] = []) -> [String] {
        ["--files", folder.path("events"), "--json"] + more
    }

    /// A configuration for a broker.
    static func kafka(_ broker: BrokerProcess, timeout: String = "10s") -> String {
        """
        join: {click_window: 3s, conversion_window: 5s, orphan_window: 2s, closed_memory: 10s}
        order: {ordering_delay: 4s}
        kafka:
          connect_timeout: \(timeout)
          settings: {bootstrap.servers: "\(broker.servers)"}
          topics:
            impressions: \(broker.topic("impressions"))
            clicks: \(broker.topic("clicks"))
            conversions: \(broker.topic("conversions"))
        """
    }

    /// The arguments of `run` or `replay` on the fixture.
    func arguments(_ command: String, _ more: [String] = [], state: String? = nil) -> [String] {
        [command, "--config", config, "--state", state ?? self.state] + more
    }

    /// What `inspect --json` says of the newest snapshot; nil without one.
    func newest(state: String? = nil) throws -> [String: Any]? {
        let outcome = try CommandProcess.run(
            ["inspect", "--state", state ?? self.state, "--json"])
        guard outcome.status == 0 else { return nil }
        let snapshots = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return (snapshots as? [[String: Any]])?.first
    }

    /// Events that the newest snapshot has consumed.
    func consumed(state: String? = nil) throws -> Int {
        guard let summary = try newest(state: state)?["summary"] as? [String: Any] else { return 0 }
        return try total(summary, "consumed")
    }
}

/// The sum over the roles of one count of a summary.
func total(_ summary: [String: Any], _ place: String) throws -> Int {
    let counts = try #require(summary[place] as? [String: Int], "\(place)")
    #expect(Set(counts.keys) == ["impressions", "clicks", "conversions"])
    return counts.values.reduce(0, +)
}

/// The places of the law, by their names in summaries.
let places = [
    "applied", "duplicate", "repeat", "late", "view_through", "orphaned", "dropped", "quarantined",
    "pending",
]

/// consumed = applied + duplicate + …, per role.
func expectLaw(_ summary: [String: Any]) throws {
    for role in ["impressions", "clicks", "conversions"] {
        func count(_ place: String) throws -> Int {
            try #require((summary[place] as? [String: Int])?[role], "\(place) \(role)")
        }
        let sum = try places.reduce(0) { try $0 + count($1) }
        #expect(try count("consumed") == sum, "\(role)")
    }
}
