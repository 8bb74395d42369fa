import Foundation
import TestSupport
import Testing

@Suite("freshet predict --skew")
struct SkewCommandTests {
    /// A model that has learnt and been exported, and impressions that it may have served.
    private struct Scene {
        let fixture: CommandFixture
        let export: String
        let model: String
        /// One record per line.
        let records: [String]

        init(seed: Int) throws {
            fixture = try CommandFixture.generated(events: 6_000, seed: seed)
            let replay = try CommandProcess.run(
                fixture.arguments("replay", fixture.fileOptions())
            )
            try #require(replay.status == 0, "\(replay.errors)")
            try expectLaw(try replay.json)
            export = fixture.folder.path("published/versions/0000000002")
            try FileManager.default.createDirectory(
                atPath: fixture.folder.path("published/versions"),
                withIntermediateDirectories: true
            )
            let outcome = try CommandProcess.run([
                "export", "--state", fixture.state, "--format", "safetensors",
                "--output", export, "--json",
            ])
            try #require(outcome.status == 0, "\(outcome.errors)")
            model = try #require(outcome.json["model"] as? String)
            let text = fixture.folder.read("events/impressions-1.jsonl")
            records = String(decoding: text, as: UTF8.self).split(separator: "\n").suffix(700)
                .map(String.init)
        }

        /// What the model answers to the records with features altered.
        /// - Parameter alter: given the features, and those of the record before.
        func answers(
            _ alter: (inout [String: Any], [String: Any]) -> Void
        ) throws -> [[String: Any]] {
            var before: [String: Any] = [:]
            let altered = try records.map { record in
                var object = try #require(
                    JSONSerialization.jsonObject(with: Data(record.utf8)) as? [String: Any]
                )
                let features = object["features"] as? [String: Any] ?? [:]
                var seen = features
                alter(&seen, before)
                before = features
                object["features"] = seen
                let bytes = try JSONSerialization.data(withJSONObject: object)
                return String(decoding: bytes, as: UTF8.self)
            }
            let input = try fixture.folder.write(
                altered.joined(separator: "\n"),
                to: "altered.jsonl"
            )
            let outcome = try CommandProcess.run([
                "predict", "--export", export, "--input", input,
            ])
            try #require(outcome.status == 0, "\(outcome.errors)")
            return try outcome.output.split(separator: "\n").map {
                try #require(
                    JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                )
            }
        }

        /// A record with what was answered.
        func served(_ record: String, _ answer: [String: Any], model: String? = nil) -> String {
            record.dropLast()
                + ", \"served\": {\"model\": \"\(model ?? self.model)\", "
                + "\"ctr\": \(answer["ctr"] ?? 0), \"cvr\": \(answer["cvr"] ?? 0)}}"
        }

        func report(_ lines: [String], _ exports: String? = nil) throws -> [String: Any] {
            let input = try fixture.folder.write(
                lines.joined(separator: "\n"),
                to: "served.jsonl"
            )
            let outcome = try CommandProcess.run([
                "predict", "--skew", "--json", "--input", input,
                "--exports", exports ?? fixture.folder.path("published"),
            ])
            try #require(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json
        }
    }

    private typealias Skew = (
        field: String, substitution: String, words: String,
        alter: (inout [String: Any], [String: Any]) -> Void
    )

    @Test("names the field that serving saw otherwise, whatever stood there instead")
    func planted() throws {
        let scene = try Scene(seed: 21)
        let skews: [Skew] = [
            ("user", "missing", "missing at serving", { now, _ in now["user"] = nil }),
            ("recent", "missing", "missing at serving", { now, _ in now["recent"] = NSNull() }),
            ("recent", "empty", "being empty at serving", { now, _ in now["recent"] = [Int]() }),
            ("price", "missing", "missing at serving", { now, _ in now["price"] = nil }),
            ("price", "zero", "being 0 at serving", { now, _ in now["price"] = 0 }),
            ("age", "zero", "being 0 at serving", { now, _ in now["age"] = 0 }),
            (
                "ad", "previous", "being the value of the impression before at serving",
                { now, before in now["ad"] = before["ad"] ?? now["ad"] }
            ),
            (
                "recent", "previous", "being the value of the impression before at serving",
                { now, before in now["recent"] = before["recent"] ?? now["recent"] }
            ),
        ]
        for skew in skews {
            let name = "\(skew.field) \(skew.substitution)"
            let answers = try scene.answers(skew.alter)
            let report = try scene.report(
                zip(scene.records, answers).map { scene.served($0, $1) }
            )
            #expect(report["compared"] as? Int == 700)
            let different = try #require(report["different"] as? Int)
            #expect(different > 100, "\(name): \(different)")
            let best = try #require(
                (report["explanations"] as? [[String: Any]])?.first,
                "\(name)"
            )
            #expect(best["field"] as? String == skew.field, "\(name): \(best)")
            #expect(best["substitution"] as? String == skew.substitution, "\(name): \(best)")
            #expect(try #require(best["share_explained"] as? Double) > 0.99, "\(name): \(best)")
            #expect(
                try #require(best["logit_share_removed"] as? Double) > 0.99,
                "\(name): \(best)"
            )
            #expect(
                report["conclusion"] as? String
                    == "\(skew.field) \(skew.words) explains 100 % of the difference"
            )
            let greatest = (report["ctr"] as? [String: Any])?["max"] as? Double
            #expect(try #require(greatest) > 1e-5)
        }
    }

    @Test("without skew reports none; says what could not be compared")
    func noSkew() throws {
        let scene = try Scene(seed: 22)
        let answers = try scene.answers { _, _ in }
        var lines = zip(scene.records, answers).map { scene.served($0, $1) }
        for path in [scene.fixture.folder.path("published"), scene.export] {
            let report = try scene.report(lines, path)
            #expect(report["compared"] as? Int == 700)
            #expect(report["different"] as? Int == 0)
            #expect((report["explanations"] as? [Any])?.isEmpty == true)
            #expect((report["conclusion"] as? String)?.hasPrefix("no skew") == true)
            #expect((report["ctr"] as? [String: Any])?["max"] as? Double == 0)
        }

        lines[0] = scene.records[0]
        lines[1] = scene.served(scene.records[1], answers[1], model: "../../etc/passwd")
        lines[2] = scene.served(scene.records[2], answers[2], model: "0000000009-00")
        lines[3] = scene.served(scene.records[3], answers[3], model: "0000000009-00")
        lines[4] = #"{"impression_id": 1, "served": {"model": "m", "ctr": 2, "cvr": 0}}"#
        lines[5] = "nonsense"
        lines[6] = ""
        let report = try scene.report(lines)
        #expect(report["compared"] as? Int == 693)
        #expect(report["different"] as? Int == 0)
        #expect(report["without_served"] as? Int == 1)
        let unknown = try #require(report["unknown_models"] as? [String: Any])
        #expect(unknown["impressions"] as? Int == 3)
        #expect(unknown["models"] as? [String] == ["../../etc/passwd", "0000000009-00"])
        #expect(report["rejected"] as? Int == 2)
        #expect(
            (report["first_rejected"] as? String)?.hasPrefix("line 5: served.ctr: ") == true
        )
    }

    @Test("says so when no single field explains the difference, and prints a table")
    func unexplained() throws {
        let scene = try Scene(seed: 23)
        let answers = try scene.answers { now, before in
            now["user"] = before["user"] ?? now["user"]
            now["ad"] = 17
            now["price"] = 3
        }
        let lines = zip(scene.records, answers).map { scene.served($0, $1) }
        let report = try scene.report(lines)
        #expect(try #require(report["different"] as? Int) > 600)
        let explanations = try #require(report["explanations"] as? [[String: Any]])
        #expect(explanations.allSatisfy { ($0["share_explained"] as? Double ?? 1) < 0.2 })
        let outcome = try CommandProcess.run([
            "predict", "--skew", "--input", scene.fixture.folder.path("served.jsonl"),
            "--exports", scene.export,
        ])
        #expect(outcome.status == 0)
        let conclusion = try #require(report["conclusion"] as? String)
        #expect(conclusion.hasPrefix("no single field explains most of the difference: "))
        #expect(outcome.output.hasSuffix(conclusion + "\n"))
        #expect(outcome.output.contains("compared       700 impressions"))
    }

    @Test("refuses folders without exports, and exports that are damaged, in one line")
    func refusals() throws {
        let scene = try Scene(seed: 24)
        let input = try scene.fixture.folder.write(
            scene.served(scene.records[0], ["ctr": 0.1, "cvr": 0.1]),
            to: "one.jsonl"
        )
        func run(_ exports: String) throws -> CommandOutcome {
            try CommandProcess.run(["predict", "--skew", "--exports", exports, "--input", input])
        }
        for path in ["/nowhere", scene.fixture.state] {
            let outcome = try run(path)
            #expect(outcome.status == 1)
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.complaints.first?.contains(path) == true, "\(outcome.errors)")
        }
        let weights = URL(filePath: scene.export + "/model.safetensors")
        try Data(contentsOf: weights).dropLast().write(to: weights)
        let outcome = try run(scene.fixture.folder.path("published"))
        #expect(outcome.status == 1)
        #expect(outcome.complaints.first?.contains("model.safetensors") == true)
    }
}
