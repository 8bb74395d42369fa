import Configure
import Decode
import Testing

@Suite("A configuration read back from a manifest's entries")
struct EntriesTests {
    @Test("is the one that the state was made with", arguments: ["kuairand", "standard", "demo"])
    func ownFiles(name: String) throws {
        let original = try configuration(of: "\(name).yaml")
        let copy = try Configuration(entries: original.canonical, file: "manifest.json")
        #expect(copy.fingerprint == original.fingerprint)
        #expect(copy.schema == original.schema)
        #expect(copy.learn == original.learn)
        #expect(copy.decode.impressions == original.decode.impressions)
    }

    @Test("keeps names with dots, spaces and quotes, every kind and the order, however sorted")
    func oddNames() throws {
        let original = try Configuration(
            yaml: """
                features:
                  - {name: "b.kind", kind: bucketed, buckets: [1, 2.5]}
                  - {name: b, kind: list, rows: 8, pooling: sum}
                  - {name: "say \\"hi\\": [x]", kind: numeric, clip: 2}
                  - {name: "12", kind: categorical, rows: 4}
                  - {name: a, kind: categorical, rows: 4}
                optimizer: {method: ftrl, l1: 0.5}
                loss: {gamma: 0, alpha: none}
                """
        )
        let sorted = original.canonical.sorted { $0.key < $1.key }
        let copy = try Configuration(entries: sorted, file: "manifest.json")
        #expect(copy.schema == original.schema)
        #expect(copy.fingerprint == original.fingerprint)
    }

    @Test(
        "names the key that is wrong and where it stands",
        arguments: [
            ("features.user.rows", "-3"), ("model.experts.count", "1e9"), ("features", "[user, x"),
            ("loss.gamma", "{a: b}"), ("features.user.surprise", "1"), ("model", "7"), ("", "1"),
        ]
    )
    func hostile(key: String, value: String) {
        var entries = [
            (key: "features", value: "[user]"), (key: "features.user.kind", value: "categorical"),
            (key: "features.user.rows", value: "16"),
        ].filter { $0.key != key }
        entries.append((key: key, value: value))
        let error = #expect(throws: ConfigurationError.self) {
            _ = try Configuration(entries: entries, file: "manifest.json")
        }
        #expect("\(error!)".contains("manifest.json"), "\(error!)")
    }
}
