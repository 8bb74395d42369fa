import Foundation
import Snapshot
import TestSupport
import Testing

/// Snapshots made by someone who can make valid checksums.
@Suite("A hostile snapshot", .serialized)
struct HostileSnapshotTests {
    /// Values that a manifest should not hold.
    private static var values: [Any] {
        [-1, Int.max, Int.min, 1 << 40, 1.5, 1e300, "7", NSNull(), [1]]
    }

    @Test("with any hostile value in a sealed manifest is refused by name or loads a true state")
    func manifests() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let pair = try SnapshotPair(scene: folder)
            limitMemory(bytes: 256 << 20)
            var paths: [[String]] = []
            _ = try pair.resealing { manifest, _ in paths = Self.leaves(of: manifest) }
            var refused = 0
            // One partition is like another, and the configuration is compared by the commands.
            let first = paths.first { $0[0] == "positions" }!
            for path in paths where path[0] != "configuration" {
                if path[0] == "positions" && path[1] != first[1] { continue }
                for value in Self.values {
                    let files = try pair.resealing { manifest, _ in
                        manifest =
                            Self.replace(path[...], in: manifest, by: value) as! [String: Any]
                    }
                    let outcome = pair.resume(files)
                    let place = "\(path.joined(separator: ".")) = \(value): \(outcome)"
                    if outcome.name == SnapshotPair.newer { continue }
                    // Positions are in no digest: one that is possible is taken at its word.
                    if path[0] == "positions" && outcome.name == "neither" { continue }
                    refused += 1
                    let isNamed = outcome.texts.contains {
                        $0.contains(SnapshotPair.newer) || $0.contains("not there any more")
                    }
                    #expect(isNamed, "\(place)")
                }
            }
            print("\(paths.count) places, \(refused) refused")
            try #require(refused > 500)
        }
    }

    @Test("with hostile names, doubled and missing entries is refused by name")
    func entries() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let pair = try SnapshotPair(scene: folder)
            limitMemory(bytes: 256 << 20)
            let names = [
                "../../x", "../../x.lz4", "/etc/passwd", "", ".lz4", "join.lz4\u{0}", "JOIN.lz4",
                "./join.lz4", "join.lz4/", String(repeating: "a", count: 100_000) + ".lz4",
            ]
            for index in 0..<4 {
                for name in names {
                    Self.expectPassedOver(
                        pair,
                        try pair.resealing { manifest, _ in
                            var entries = manifest["files"] as! [[String: Any]]
                            entries[index]["name"] = name
                            manifest["files"] = entries
                        },
                        "name \(name.prefix(40))"
                    )
                }
                for change in ["doubled", "missing"] {
                    Self.expectPassedOver(
                        pair,
                        try pair.resealing { manifest, _ in
                            var entries = manifest["files"] as! [[String: Any]]
                            if change == "doubled" {
                                entries.append(entries[index])
                            } else {
                                entries.remove(at: index)
                            }
                            manifest["files"] = entries
                        },
                        "\(change) entry \(index)"
                    )
                }
            }
            for key in ["positions", "files", "summary", "order", "now", "side_files"] {
                Self.expectPassedOver(
                    pair,
                    try pair.resealing { manifest, _ in manifest[key] = nil },
                    "no \(key)"
                )
            }
            Self.expectPassedOver(
                pair,
                try pair.resealing { manifest, _ in
                    let positions = manifest["positions"] as! [[String: Any]]
                    manifest["positions"] = positions + [positions[0]]
                },
                "a doubled position"
            )
            let deep = String(repeating: "[", count: 200_000)
            for text in ["{\"format_version\": 1, \"files\": \(deep)", "", "{", "[1", "{}{}"] {
                var files = pair.files
                files.contents[pair.path(SnapshotPair.newer, "manifest.json")] =
                    pair.sealed(Array(text.utf8))
                Self.expectPassedOver(pair, files, "manifest \(text.prefix(30))")
            }
        }
    }

    @Test("whose sections are altered under valid checksums is refused or goes on without a trap")
    func sections() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let seed: UInt64 = 44
            let pair = try SnapshotPair(scene: folder)
            limitMemory(bytes: 256 << 20)
            var random = SeededGenerator(seed: seed)
            var refused = 0
            let contents = try SnapshotPair.fileNames.dropFirst().map { try pair.content($0) }
            for number in 0..<800 {
                let index = number % contents.count
                var bytes = contents[index]
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    // Heads hold counts; the rest is long.
                    let end = Bool.random(using: &random) ? min(200, bytes.count) : bytes.count
                    let start = Int.random(in: 0..<end, using: &random)
                    let value = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)! as UInt8
                    let size = [1, 1, 4, 8].randomElement(using: &random)!
                    for position in start..<min(bytes.count, start + size) {
                        bytes[position] = value
                    }
                }
                switch Int.random(in: 0..<8, using: &random) {
                case 0: bytes.removeLast(min(bytes.count, Int.random(in: 1...64, using: &random)))
                case 1: bytes += [1, 2, 3, 4]
                default: break
                }
                let name = SnapshotPair.fileNames[index + 1]
                print("seed \(seed), section \(name), number \(number)")
                let outcome = pair.resume(try pair.replacing(name, by: bytes))
                if outcome.error != nil || outcome.name == SnapshotPair.older {
                    refused += 1
                    #expect(outcome.texts.contains { $0.contains(SnapshotPair.newer) })
                }
            }
            try #require(refused > 200)
        }
    }

    @Test("whose frames hold far more than they should is refused within a bounded memory")
    func frames() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let pair = try SnapshotPair(scene: folder)
            // 64 MiB in 280 KB.
            let large = [UInt8](repeating: 0, count: 64 << 20)
            let sealed = try SnapshotPair.fileNames.dropFirst().map { name in
                (name, try pair.replacing(name, by: large))
            }
            limitMemory(bytes: 300 << 20)
            for (name, files) in sealed {
                let frame = files.contents[pair.path(SnapshotPair.newer, name)]!
                try #require(frame.count < 400_000)
                // The manifest tells the truth: it decodes, and is no state.
                let outcome = pair.resume(files)
                #expect(outcome.name == nil, "\(name): \(outcome)")
                #expect(outcome.error?.contains(SnapshotPair.newer) == true, "\(name): \(outcome)")
                // The manifest claims less, or what no frame of that size can hold.
                for claim in [1_000, 1 << 40] {
                    Self.expectPassedOver(
                        pair,
                        try pair.resealing { manifest, files in
                            files.contents[pair.path(SnapshotPair.newer, name)] = frame
                            var entries = manifest["files"] as! [[String: Any]]
                            let index = entries.firstIndex { $0["name"] as? String == name }!
                            entries[index]["bytes"] = frame.count
                            entries[index]["content_bytes"] = claim
                            entries[index]["checksum"] = pair.checksum(frame)
                            manifest["files"] = entries
                        },
                        "\(name) claims \(claim)"
                    )
                }
            }
        }
    }

    // MARK: Manifests

    private static func expectPassedOver(_ pair: SnapshotPair, _ files: MemoryFiles, _ what: String)
    {
        let outcome = pair.resume(files)
        #expect(outcome.name == SnapshotPair.older, "\(what): \(outcome)")
        let isNamed = outcome.warnings.contains { $0.contains(SnapshotPair.newer) }
        #expect(isNamed, "\(what): \(outcome)")
    }

    /// The ways to all values of a JSON object that are neither object nor list.
    private static func leaves(of value: Any) -> [[String]] {
        switch value {
        case let object as [String: Any]:
            object.keys.sorted().flatMap { key in leaves(of: object[key]!).map { [key] + $0 } }
        case let list as [Any]:
            list.indices.flatMap { index in leaves(of: list[index]).map { ["\(index)"] + $0 } }
        default: [[]]
        }
    }

    private static func replace(_ path: ArraySlice<String>, in value: Any, by other: Any) -> Any {
        guard let key = path.first else { return other }
        if var object = value as? [String: Any] {
            object[key] = replace(path.dropFirst(), in: object[key]!, by: other)
            return object
        }
        var list = value as! [Any]
        list[Int(key)!] = replace(path.dropFirst(), in: list[Int(key)!], by: other)
        return list
    }
}
