import Foundation
import TestSupport
import Testing

@Suite("--warm-start", .serialized)
struct WarmStartTests {
    /// A model of the generated stream, exported.
    private struct Scene {
        let fixture: CommandFixture
        let model: String

        init(withOptimizer: Bool = false) throws {
            fixture = try CommandFixture.generated(events: 5_000, seed: 3)
            let replay = fixture.arguments("replay", fixture.fileOptions())
            let outcome = try CommandProcess.run(replay)
            try #require(outcome.status == 0, "\(outcome.errors)")
            try expectLaw(try outcome.json)
            model = try fixture.export(fixture.state, to: "model", withOptimizer: withOptimizer)
        }

        /// Replays the same stream with another configuration, on a state of its own.
        func replay(
            _ configuration: String,
            _ more: [String] = [],
            state: String = "warm",
            model: String? = nil
        ) throws -> CommandOutcome {
            let config = try fixture.folder.write(configuration, to: "warm.yaml")
            return try CommandProcess.run(
                [
                    "replay", "--config", config, "--state", fixture.folder.path(state),
                    "--warm-start", model ?? self.model,
                ] + fixture.fileOptions(more)
            )
        }

        var configuration: String {
            get throws { try String(contentsOfFile: fixture.config, encoding: .utf8) }
        }
    }

    @Test("takes a model over: its first predictions are the source's, and the manifest says so")
    func takesOver() throws {
        let scene = try Scene()
        let outcome = try scene.replay(scene.configuration)
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
        #expect(outcome.errors.contains("the first predictions are the source's"))
        #expect(outcome.errors.contains("impressions=50"))
        #expect(outcome.errors.contains("start at 1.0"))
        #expect(!outcome.errors.contains("warning"))
        let body = try #require(try scene.fixture.newest(state: scene.fixture.folder.path("warm")))
        let record = try #require(body["warm_start"] as? [String: Any])
        let source = try #require(try scene.fixture.newest())
        let digest = try #require((source["summary"] as? [String: Any])?["state_digest"] as? String)
        #expect((record["model"] as? String)?.hasSuffix(digest) == true)
        #expect((record["checksum"] as? String)?.count == 16)
        #expect((record["accumulator"] as? Double).map(Float.init) == 1)
        #expect(source["warm_start"] == nil)

        // A second pass over the same events predicts better than the first could.
        func entropy(_ summary: Any?) throws -> Double {
            let metrics = try #require((summary as? [String: Any])?["metrics"] as? [String: Any])
            return try #require(
                (metrics["ctr"] as? [String: Any])?["normalized_entropy"] as? Double
            )
        }
        #expect(try entropy(body["summary"]) < entropy(source["summary"]))
    }

    @Test("is not used where there is a snapshot, whatever has become of the file")
    func resumed() throws {
        let scene = try Scene()
        let first = try scene.replay(scene.configuration)
        let gone = scene.fixture.folder.path("gone.safetensors")
        let again = try scene.replay(scene.configuration, model: gone)
        #expect(again.status == 0, "\(again.errors)")
        #expect(again.errors.contains("--warm-start is not used"))
        #expect(try again.json["state_digest"] as? String == first.json["state_digest"] as? String)
        let body = try #require(try scene.fixture.newest(state: scene.fixture.folder.path("warm")))
        #expect(body["warm_start"] != nil)
    }

    @Test("stopped and gone on with ends as if undisturbed, and remembers its start")
    func interrupted() throws {
        let scene = try Scene()
        let configuration = try scene.configuration
        let whole = try scene.replay(configuration, state: "whole")
        let middle = ["--until", "2026-01-01T00:00:20Z"]
        _ = try scene.replay(configuration, middle)
        let rest = try scene.replay(configuration)
        #expect(try rest.json["state_digest"] as? String == whole.json["state_digest"] as? String)
        let body = try #require(try scene.fixture.newest(state: scene.fixture.folder.path("warm")))
        #expect(body["warm_start"] != nil)
    }

    @Test("names what is new, renamed, dropped and reset, one line each")
    func otherFeatures() throws {
        let scene = try Scene()
        let outcome = try scene.replay(
            """
            features:
              - {name: user, kind: categorical, rows: 2048}
              - {name: creative, kind: categorical, rows: 1024, was: ad}
              - {name: slot, kind: categorical, rows: 64}
              - {name: price, kind: numeric}
              - {name: age, kind: bucketed, buckets: [25, 45]}
            model: {embedding_dimension: 8, experts: {count: 2, layers: [16]}, towers: {layers: [8]}}
            metrics: {cohort: 10s}
            loss: {gamma: 1}
            \(CommandFixture.windows)
            """
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
        func expect(_ level: String, _ parts: String...) {
            let lines = outcome.errors.split(separator: "\n").filter { line in
                parts.allSatisfy { line.contains($0) }
            }
            #expect(lines.count == 1 && lines[0].contains(level), "\(parts): \(outcome.errors)")
        }
        expect("warning", "a feature starts fresh", "feature=user", "2048 rows, had 4096")
        expect("info", "another name", "feature=creative", "was=ad")
        expect("info", "is new", "feature=slot")
        expect("warning", "is dropped", "feature=recent")
        expect("warning", "the loss is another", "gamma 2.0")
        expect("warning", "predictions differ", "the loss is another")
        #expect(!outcome.errors.contains("feature=price"))
    }

    @Test("of a renamed feature and a new one predicts what the source does")
    func renamed() throws {
        let scene = try Scene()
        let configuration = try scene.configuration
            .replacing("name: user,", with: "name: person, was: user,")
            .replacing(
                "  - {name: price, kind: numeric}",
                with: "  - {name: hour, kind: numeric}\n  - {name: price, kind: numeric}"
            )
        let outcome = try scene.replay(configuration)
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("the first predictions are the source's"))
        #expect(!outcome.errors.contains("warning"))
    }

    @Test("a linear part may be new, and changes no prediction; that one is dropped is said")
    func linearPart() throws {
        let scene = try Scene()
        let configuration = try scene.configuration
        let wide = configuration.replacing("layers: [8]}}", with: "layers: [8]}, wide: true}")
        let outcome = try scene.replay(wide)
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("the linear part is new and starts at 0"))
        #expect(outcome.errors.contains("the first predictions are the source's"))
        #expect(!outcome.errors.contains("warning"))
        // The export is verified as it is written.
        let state = scene.fixture.folder.path("warm")
        let model = try scene.fixture.export(state, to: "wide", withOptimizer: false)
        let dropped = try scene.replay(configuration, state: "deep", model: model)
        try #require(dropped.status == 0, "\(dropped.errors)")
        #expect(dropped.errors.contains("the linear part is dropped"))
        // No state goes on without what it was made with.
        let other = try CommandProcess.run(
            ["replay", "--config", scene.fixture.config, "--state", state]
                + scene.fixture.fileOptions()
        )
        #expect(other.status != 0)
        #expect(other.errors.contains("model.wide"))
    }

    @Test("with the optimizer's state goes on as the source itself does, to the bit")
    func continues() throws {
        let folder = try TemporaryFolder()
        let fixture = try CommandFixture(CommandFixture.windows)
        // Two streams with a gap between, in which every window closes.
        let streams = [("a", "3", "1767225600000"), ("b", "4", "1767247200000")]
        for (name, seed, start) in streams {
            let outcome = try CommandProcess.run([
                "generate", "--events", "3000", "--seed", seed, "--start", start,
                "--files", folder.path(name), "--partitions", "1", "--ctr", "0.2", "--cvr", "0.3",
            ])
            try #require(outcome.status == 0, "\(outcome.errors)")
            for role in ["impressions", "clicks", "conversions"] {
                let parts = try FileManager.default.contentsOfDirectory(atPath: folder.path(name))
                let part = try #require(parts.first { $0.hasPrefix(role) })
                try FileManager.default.createDirectory(
                    atPath: folder.path("events"),
                    withIntermediateDirectories: true
                )
                try FileManager.default.moveItem(
                    atPath: folder.path("\(name)/\(part)"),
                    toPath: folder.path("events/\(role)-\(name).jsonl")
                )
            }
        }
        let gap = "2026-01-01T03:00:00Z"
        func replay(_ state: String, _ more: [String]) throws -> CommandOutcome {
            let outcome = try CommandProcess.run(
                [
                    "replay", "--config", fixture.config, "--state", folder.path(state),
                    "--files", folder.path("events"), "--json",
                ] + more
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            try expectLaw(try outcome.json)
            return outcome
        }
        _ = try replay("source", ["--until", gap, "--advance-to", gap])
        let model = try fixture.export(folder.path("source"), to: "model", withOptimizer: true)
        _ = try replay("source", [])
        let warm = try replay("warm", ["--from", gap, "--warm-start", model])
        #expect(warm.errors.contains("go on"))
        let names = ["parameters.lz4", "optimizer.lz4"]
        func checksums(_ state: String) throws -> [String] {
            let body = try #require(try fixture.newest(state: folder.path(state)))
            let files = try #require(body["files"] as? [[String: Any]])
            return try names.map { name in
                let file = files.first { $0["name"] as? String == name }
                return try #require(file?["checksum"] as? String)
            }
        }
        #expect(try checksums("warm") == checksums("source"))
        let body = try #require(try fixture.newest(state: folder.path("warm")))
        let record = try #require(body["warm_start"] as? [String: Any])
        #expect(record["accumulator"] == nil)
    }

    @Test("a file that cannot be used is one line and exit 1, and leaves no state directory")
    func refusals() throws {
        let scene = try Scene()
        let folder = scene.fixture.folder
        let whole = folder.read("model/model.safetensors")
        let files = [
            ("none.safetensors", nil, "none.safetensors"),
            ("cut.safetensors", whole.prefix(whole.count - 5), "is not a sound safetensors file"),
            ("short.safetensors", Data("abc".utf8), "is not a sound safetensors file"),
            ("text.safetensors", Data("{\"format\": 1, \"more\": 2}".utf8), "is not a sound"),
        ]
        for (name, content, reason) in files {
            if let content { try content.write(to: URL(filePath: folder.path(name))) }
            try expectRefused(scene, scene.configuration, folder.path(name), reason)
        }
        try expectRefused(
            scene,
            "features: [{name: other, kind: numeric}]",
            scene.model,
            "nothing in common"
        )
    }

    private func expectRefused(
        _ scene: Scene,
        _ configuration: String,
        _ model: String,
        _ reason: String
    ) throws {
        let outcome = try scene.replay(configuration, state: "refused", model: model)
        #expect(outcome.status == 1)
        #expect(outcome.complaints.count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains(reason) == true, "\(outcome.errors)")
        let state = scene.fixture.folder.path("refused")
        #expect(!FileManager.default.fileExists(atPath: state))
    }

    @Test("a golden file that is not there or is damaged costs the comparison, not the start")
    func golden() throws {
        let scene = try Scene()
        let golden = scene.fixture.folder.path("model/golden.jsonl")
        try Data("{}\n".utf8).write(to: URL(filePath: golden))
        let damaged = try scene.replay(scene.configuration, state: "damaged")
        #expect(damaged.status == 0)
        #expect(damaged.errors.contains("golden.jsonl:1 is no golden impression"))
        try FileManager.default.removeItem(atPath: golden)
        let absent = try scene.replay(scene.configuration, state: "absent")
        #expect(absent.status == 0)
        #expect(absent.errors.contains("there is no golden.jsonl"))
        #expect(
            try absent.json["state_digest"] as? String == damaged.json["state_digest"] as? String
        )
    }
}

@Suite("Features added to a state", .serialized)
struct AddedFeatureTests {
    @Test("resume it, are named, and cannot be taken away again")
    func added() throws {
        let fixture = try CommandFixture.generated(events: 6_000, seed: 5)
        let half = ["--until", "2026-01-01T00:00:25Z"]
        let first = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(half))
        )
        try #require(first.status == 0, "\(first.errors)")
        let before = try String(contentsOfFile: fixture.config, encoding: .utf8)
        let after = before.replacing(
            "  - {name: recent,",
            with: "  - {name: slot, kind: categorical, rows: 64}\n  - {name: recent,"
        )
        _ = try fixture.folder.write(after, to: "config.yaml")
        let second = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        try #require(second.status == 0, "\(second.errors)")
        try expectLaw(try second.json)
        #expect(second.errors.contains("features were added to the state"))
        #expect(second.errors.contains("features=slot"))
        #expect(try total(second.json, "consumed") > total(first.json, "consumed"))

        // The state is now of both; going on with it says nothing more, and without the field it does
        // not fit.
        let third = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        #expect(third.status == 0 && !third.errors.contains("were added"))
        _ = try fixture.folder.write(before, to: "config.yaml")
        let removed = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        #expect(removed.status == 64)
        #expect(removed.complaints.first?.contains("features: is [user, ad, recent") == true)
        _ = try fixture.folder.write(after + "seed: 2\n", to: "config.yaml")
        let other = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        #expect(other.status == 64)
        #expect(other.complaints.first?.contains("seed: is 2") == true)
    }
}

extension CommandFixture {
    /// Exports a state's newest snapshot.
    /// - Returns: the path of its model.
    fileprivate func export(
        _ state: String,
        to name: String,
        withOptimizer: Bool = false
    ) throws -> String {
        let outcome = try CommandProcess.run(
            [
                "export", "--state", state, "--format", "safetensors", "--output",
                folder.path(name),
            ] + (withOptimizer ? ["--with-optimizer"] : [])
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        return folder.path(name + "/model.safetensors")
    }
}
