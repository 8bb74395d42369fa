import Snapshot
import TestSupport
import Testing

struct Body: Codable, Equatable, Sendable {
    var generation: Int
}

func sections(_ generation: Int) -> [Section] {
    [
        Section(
            name: "parameters",
            content: .floats((0..<5_000).map { Float($0 &* 7 &+ generation) / 3 })
        ),
        Section(name: "join", content: .bytes(Array("generation \(generation)".utf8))),
    ]
}

/// The generation that a resume would find, every byte of it verified; nil if there is none.
func newestGeneration(in files: FaultyFileSystem) throws -> Int? {
    let store = try SnapshotStore(directory: "/state", files: files)
    for name in try store.candidates() {
        let manifest = try store.manifest(of: name, as: Body.self)
        for section in sections(manifest.body.generation) {
            let bytes = try store.section(section.name, of: name, files: manifest.files)
            let matches = section.content.withBytes { expected in
                expected.byteCount == bytes.count
                    && bytes.indices.allSatisfy {
                        unsafe expected.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == bytes[$0]
                    }
            }
            #expect(matches, "section \(section.name) of \(name)")
        }
        return manifest.body.generation
    }
    return nil
}

private func storeWithOneSnapshot() throws -> (FaultyFileSystem, SnapshotStore) {
    let files = FaultyFileSystem()
    let store = try SnapshotStore(directory: "/state", files: files)
    try store.write(
        name: try store.nextName(),
        sections: sections(1),
        manifest: Body(generation: 1)
    )
    return (files, store)
}

@Suite struct SnapshotStoreTests {
    @Test("what was written is read back, and CURRENT names it")
    func roundTrip() throws {
        let (files, store) = try storeWithOneSnapshot()
        #expect(try newestGeneration(in: files) == 1)
        #expect(try store.current() == "0000000001")
        #expect(try store.nextName() == "0000000002")
    }

    @Test(
        "after a fault at any operation the old or the new snapshot loads, never anything else",
        arguments: ["failure", "power loss, cache lost", "power loss, cache kept"]
    )
    func everyOperation(kind: String) throws {
        var outcomes: Set<Int> = []
        var step = 0
        while true {
            let (files, store) = try storeWithOneSnapshot()
            files.inject(kind == "failure" ? .fail(at: step) : .powerLoss(at: step))
            let written = Result {
                try store.write(
                    name: "0000000002",
                    sections: sections(2),
                    manifest: Body(generation: 2)
                )
            }
            let operations = files.operations
            files.restart(keepingUnsynced: kind != "power loss, cache lost")
            let generation = try newestGeneration(in: files)
            #expect(generation == 1 || generation == 2, "\(kind) at operation \(step)")
            if case .success = written {
                #expect(generation == 2, "announced, then lost: \(kind) at operation \(step)")
            }
            outcomes.insert(generation ?? 0)
            if step >= operations { break }
            step += 1
        }
        #expect(step > 12, "the walk must cover every operation of a snapshot")
        #expect(outcomes == [1, 2])
    }

    @Test("a failed snapshot leaves no litter and the next one succeeds")
    func failureThenSuccess() throws {
        let (files, store) = try storeWithOneSnapshot()
        files.inject(.fail(at: 3))
        #expect(throws: SnapshotError.self) {
            try store.write(
                name: "0000000002",
                sections: sections(2),
                manifest: Body(generation: 2)
            )
        }
        files.inject(.none)
        #expect(try files.list("/state/snapshots") == ["0000000001"])
        try store.write(name: "0000000002", sections: sections(2), manifest: Body(generation: 2))
        #expect(try newestGeneration(in: files) == 2)
    }

    @Test(
        "any altered byte and any truncation is refused, naming the file",
        arguments: ["manifest.json", "parameters.lz4", "join.lz4"]
    )
    func alteration(file: String) throws {
        let (files, _) = try storeWithOneSnapshot()
        let path = "/state/snapshots/0000000001/" + file
        let sound = try files.bytes(of: path)
        let stride = max(1, sound.count / 400)
        for index in Swift.stride(from: 0, to: sound.count, by: stride) {
            var altered = sound
            altered[index] ^= 0x20
            for damaged in [altered, Array(sound[..<index])] {
                try files.overwrite(path, damaged)
                let error = #expect(throws: SnapshotError.self) {
                    try newestGeneration(in: files)
                }
                #expect(error?.description.contains(file) == true, "byte \(index): \(error as Any)")
            }
        }
        try files.overwrite(path, sound)
        #expect(try newestGeneration(in: files) == 1)
    }

    @Test("a file swapped in from another snapshot is refused")
    func swapped() throws {
        let (files, store) = try storeWithOneSnapshot()
        try store.write(name: "0000000002", sections: sections(2), manifest: Body(generation: 2))
        let old = try files.bytes(of: "/state/snapshots/0000000001/join.lz4")
        try files.overwrite("/state/snapshots/0000000002/join.lz4", old)
        #expect(throws: SnapshotError.self) { try newestGeneration(in: files) }
    }

    @Test("old snapshots are kept by count and by age, the current one always")
    func retention() throws {
        let (files, store) = try storeWithOneSnapshot()
        for generation in 2...6 {
            try store.write(
                name: try store.nextName(),
                sections: sections(generation),
                manifest: Body(generation: generation)
            )
        }
        let created: (String) -> Int64? = { Int64($0).map { $0 * 1_000 } }
        try store.prune(SnapshotSettings(keep: 4), now: 6_000, creationTime: created)
        #expect(try store.names().map { Int($0) } == [3, 4, 5, 6])
        try store.prune(
            SnapshotSettings(keep: 4, keepFor: 1_500),
            now: 6_000,
            creationTime: created
        )
        #expect(try store.names().map { Int($0) } == [5, 6])
        try store.prune(
            SnapshotSettings(keep: 1, keepFor: 1),
            now: 60_000,
            creationTime: created
        )
        #expect(try store.names().map { Int($0) } == [6])
        #expect(try newestGeneration(in: files) == 6)
    }
}
