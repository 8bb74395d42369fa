import Foundation
import TestSupport
import Testing

@Suite("freshet diff")
struct DiffCommandTests {
    /// A fixture whose state has snapshots at 1,000, 2,000 and 2,500 events.
    private func replayed(_ more: String = "") throws -> CommandFixture {
        let fixture = try CommandFixture(CommandFixture.windows + more)
        let events = fixture.folder.path("events")
        _ = try CommandProcess.run(["generate", "--events", "2500", "--files", events])
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", ["--files", events, "--snapshot-every", "1000", "--json"])
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
        return fixture
    }

    private func parts(_ difference: [String: Any], _ key: String) throws -> [[String: Any]] {
        try #require(difference[key] as? [[String: Any]], "\(key)")
    }

    @Test("by number or by path says what changed: positions, figures, parameters")
    func snapshots() throws {
        let fixture = try replayed()
        let outcome = try CommandProcess.run([
            "diff", "1", "0000000003", "--state", fixture.state, "--json",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let difference = try outcome.json
        let positions = try parts(difference, "positions")
        #expect(positions.reduce(0) { $0 + ($1["difference"] as? Int ?? 0) } == 1_500)
        #expect(positions.reduce(0) { $0 + ($1["from"] as? Int ?? 0) } == 1_000)
        let count = try parts(difference, "figures").first {
            $0["task"] as? String == "ctr" && $0["figure"] as? String == "count"
        }
        #expect(try #require(count?["difference"] as? Double) > 0)
        let changes = try parts(difference, "parts") + parts(difference, "fields")
        #expect(
            changes.prefix(4).map { $0["part"] as? String } == [
                "embeddings", "experts", "gates", "towers",
            ]
        )
        #expect(changes.count == 8)
        #expect(changes.allSatisfy { $0["change"] as? Double ?? 0 > 0 })
        #expect(try parts(difference, "shapes").isEmpty)
        #expect(try parts(difference, "configuration").isEmpty)

        let snapshots = fixture.state + "/snapshots/"
        for (from, to) in [
            (snapshots + "0000000001", fixture.state),
            (snapshots + "0000000001/", fixture.state + "/"),
        ] {
            let same = try CommandProcess.run(["diff", from, to, "--json"])
            #expect(same.output == outcome.output, "\(same.errors)")
        }
        let text = try CommandProcess.run(["diff", "1", "3", "--state", fixture.state])
        #expect(text.status == 0)
        #expect(text.output.contains("\nembedding.user "))
        #expect(!text.output.contains("not comparable"))
    }

    @Test("of a snapshot with itself is nothing")
    func same() throws {
        let fixture = try replayed()
        let difference = try CommandProcess.run(["diff", fixture.state, fixture.state, "--json"])
            .json
        for change in try parts(difference, "parts") + parts(difference, "fields") {
            #expect(change["change"] as? Double == 0)
            #expect(change["rows_changed"] as? Int ?? 0 == 0)
        }
        #expect(try parts(difference, "positions").allSatisfy { $0["difference"] as? Int == 0 })
        #expect(
            try parts(difference, "figures").allSatisfy { $0["difference"] as? Double ?? 0 == 0 }
        )
    }

    @Test("of models of different shapes names what has no counterpart")
    func shapes() throws {
        let narrow = try replayed()
        let wide = try replayed("\nseed: 4")
        let text = String(decoding: wide.folder.read("config.yaml"), as: UTF8.self)
        _ = try wide.folder.write(
            text.replacingOccurrences(
                of: "  - {name: price,",
                with: "  - {name: slot, kind: categorical, rows: 30}\n  - {name: price,"
            ),
            to: "config.yaml"
        )
        let state = wide.folder.path("wide")
        let replay = try CommandProcess.run(
            wide.arguments("replay", ["--files", wide.folder.path("events")], state: state)
        )
        try #require(replay.status == 0, "\(replay.errors)")
        let difference = try CommandProcess.run(["diff", narrow.state, state, "--json"]).json
        let shapes = try parts(difference, "shapes")
        let byTensor = Dictionary(
            uniqueKeysWithValues: shapes.map { ($0["tensor"] as? String ?? "", $0) }
        )
        let slot = try #require(byTensor["embedding.slot.weight"])
        #expect(slot["to"] as? [Int] == [31, 8])
        #expect(slot["from"] == nil)
        let expert = try #require(byTensor["expert.1.0.weight"])
        #expect(expert["from"] as? [Int] == [16, 33])
        #expect(expert["to"] as? [Int] == [16, 41])
        let keys = try parts(difference, "configuration").compactMap { $0["key"] as? String }
        #expect(keys == keys.sorted())
        #expect(Set(keys).isSuperset(of: ["seed", "features", "features.slot.kind"]))
        let outcome = try CommandProcess.run(["diff", narrow.state, state])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("  embedding.slot.weight: none → [31, 8]"))
    }

    @Test("refuses what is no snapshot, or a damaged one, in one line")
    func refusals() throws {
        let fixture = try replayed()
        let parameters = "state/snapshots/0000000002/parameters.lz4"
        try fixture.folder.read(parameters).dropLast(7)
            .write(to: URL(filePath: fixture.folder.path(parameters)))
        let cases: [([String], String)] = [
            (["1", "9", "--state", fixture.state], "no snapshot 9"),
            (["1", "2", "--state", fixture.state], "0000000002/parameters.lz4"),
            (["1", "3"], "--state"), (["/nowhere", fixture.state], "/nowhere"),
            ([fixture.folder.path, fixture.state], "no snapshot"),
            ([fixture.config, fixture.state], fixture.config),
        ]
        for (arguments, name) in cases {
            let outcome = try CommandProcess.run(["diff"] + arguments)
            #expect(outcome.status == 1, "\(arguments)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.complaints.first?.contains(name) == true, "\(outcome.errors)")
        }
    }
}
