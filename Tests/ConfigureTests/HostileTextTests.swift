import Configure
import Events
import Foundation
import Learn
import Testing

@Suite("Texts that are no configuration")
struct HostileTextTests {
    private let valid = "features: [{name: a, kind: numeric}]\n"

    private func refusal(_ yaml: String) throws -> ConfigurationError {
        try #require(throws: ConfigurationError.self) { _ = try Configuration(yaml: yaml) }
    }

    @Test(
        "what is not YAML is refused with the line",
        arguments: [
            ("seed: [1", 1...1), ("seed: 1\n\njoin: {\n\n", 3...3), ("a: b: c", 1...1),
            ("seed: 1\n\tjoin: {}", 2...2),
            ("seed: 1\n  bad\nkafka: \"open", 3...3), ("seed: \u{1}", 1...1), ("&a *a: 1", 1...1),
            ("seed: *nobody", 1...1), ("%YAML 9.9", 1...2), ("]", 1...1), ("{", 1...1),
        ]
    )
    func notYAML(_ yaml: String, lines: ClosedRange<Int>) throws {
        let error = try refusal(yaml)
        let line = try #require(error.line, "\(error)")
        #expect(lines.contains(line), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    /// Ten anchors, each a list of ten times the one before: 10¹⁰ items when walked.
    private var bomb: String {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        return text
    }

    @Test(
        "aliases that multiply are refused at once, as values and as keys",
        arguments: [
            "seed: *a9", "features: *a9", "kafka: {settings: {a: *a9}}", "? *a9\n: 1", "*a9 : 1",
            "{*a9 : 1}", "[*a9]: 1", "{[*a9] : 1}", "{? *a9 : 1}", "- ? *a9",
        ]
    )
    func aliasBomb(_ use: String) throws {
        let clock = ContinuousClock()
        let time = try clock.measure { _ = try refusal(bomb + use) }
        #expect(time < .seconds(60))
        // Below one key, so that only the multiplied value is at fault.
        let nested = "features:\n  - &f {name: a, kind: numeric}\nseed: &s\n  - " + use
        #expect(throws: ConfigurationError.self) { _ = try Configuration(yaml: nested) }
    }

    @Test("an alias of a scalar or a feature's layers is fine")
    func harmlessAliases() throws {
        let configuration = try Configuration(
            yaml: """
                features:
                  - {name: a, kind: categorical, rows: &rows 4096}
                  - {name: b, kind: list, rows: *rows}
                model: {experts: {layers: &layers [16, 8]}, towers: {layers: *layers}}
                """
        )
        #expect(configuration.schema.fields.map(\.rows) == [4096, 4096])
        #expect(configuration.learn.network.towerLayers == [16, 8])
    }

    @Test("nesting without end is refused", arguments: ["[", "{a: ", "- ", "? "])
    func deepNesting(_ opening: String) throws {
        _ = try refusal(String(repeating: opening, count: 100_000))
        _ = try refusal(valid + "seed: " + String(repeating: opening, count: 900))
    }

    @Test("a text beyond 1 MiB is refused")
    func tooLong() throws {
        let error = try refusal(valid + "# " + String(repeating: "x", count: 1 << 20))
        #expect(error.problem.contains("longer than the 1048576 bytes"))
    }

    @Test("files that cannot be read are refused by name")
    func unreadable() throws {
        let folder = FileManager.default.temporaryDirectory
        let binary = folder.appending(path: "freshet-\(UUID().uuidString).yaml")
        try Data([0x66, 0xFF, 0xFE, 0x0A]).write(to: binary)
        defer { try? FileManager.default.removeItem(at: binary) }
        let cases = [
            (folder.appending(path: "absent-\(UUID().uuidString)").path, "No such file"),
            (folder.path, "Is a directory"), (binary.path, "not UTF-8"),
            ("/dev/zero", "longer than"),
        ]
        for (path, phrase) in cases {
            let error = try #require(throws: ConfigurationError.self) {
                _ = try Configuration(file: path)
            }
            #expect(error.file == path)
            #expect(error.problem.contains(phrase), "\(error)")
        }
    }

    @Test("random damage to a good file never crashes", arguments: [UInt64(1), 2, 3])
    func damaged(seed: UInt64) throws {
        let url = URL(filePath: configFolder).appending(path: "freshet.yaml")
        let good = Array(try Data(contentsOf: url))
        var random = SplitMix(state: seed)
        var refused = 0
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<4 {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next() % 128)
                case 1: bytes.remove(at: place)
                default:
                    bytes.insert(
                        Array("{}[]:-*&?#\n 9".utf8).randomElement(using: &random)!,
                        at: place
                    )
                }
            }
            do throws(ConfigurationError) {
                let text = String(decoding: bytes, as: UTF8.self)
                let configuration = try Configuration(yaml: text)
                let again = try Configuration(yaml: configuration.resolved)
                #expect(again == configuration, "seed \(seed)")
            } catch {
                refused += 1
            }
        }
        #expect(refused > 30, "seed \(seed)")
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
