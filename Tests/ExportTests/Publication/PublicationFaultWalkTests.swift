import Export
import Snapshot
import TestSupport
import Testing

/// A fault at every single operation of a publication and of a rollback.
@Suite struct PublicationFaultWalkTests {
    enum Kind: String, CaseIterable, Sendable {
        case failure, shortWrite, cacheLost, cacheKept, cacheTorn

        func fault(at step: Int) -> FaultyFileSystem.Fault {
            switch self {
            case .failure: .fail(at: step)
            case .shortWrite: .shortWrite(at: step)
            case .cacheLost, .cacheKept, .cacheTorn: .powerLoss(at: step)
            }
        }
    }

    /// A folder that keeps two versions and has as many as are given.
    private func folder(versions: Int) throws -> (FaultyFileSystem, PublicationFolder) {
        let files = FaultyFileSystem()
        let folder = PublicationFolder(directory: "/out", keep: 2, files: files)
        try folder.prepare()
        for generation in 1..<versions + 1 { try folder.publish(generation, files: files) }
        return (files, folder)
    }

    /// What a reader finds, whole; 0 if nothing is published.
    private func generation(_ folder: PublicationFolder, _ files: FaultyFileSystem) throws -> Int {
        guard let current = try folder.current() else { return 0 }
        return try FakeExport.generation(in: current.directory, files: files) ?? -1
    }

    /// Walks over every operation of `change` on a folder with two versions (or none).
    private func walk(
        _ kind: Kind,
        versions: Int = 2,
        _ change: (PublicationFolder, FaultyFileSystem) throws -> Void,
        _ check: (PublicationFolder, FaultyFileSystem, _ hasSucceeded: Bool, Comment) throws -> Void
    ) throws -> Int {
        var step = 0
        var operations = 0
        repeat {
            for seed in 0..<(kind == .cacheTorn ? 20 : 1) {
                let (files, folder) = try folder(versions: versions)
                files.inject(kind.fault(at: step))
                var hasSucceeded = true
                do { try change(folder, files) } catch { hasSucceeded = false }
                operations = files.operations
                if kind == .cacheTorn {
                    files.restartTorn(seed: UInt64(step * 1_000 + seed))
                } else {
                    files.restart(keepingUnsynced: kind != .cacheLost)
                }
                let place: Comment = "\(kind) at operation \(step) of \(operations), seed \(seed)"
                try check(folder, files, hasSucceeded, place)
            }
            step += 1
        } while step <= operations
        return operations
    }

    @Test(
        "leaves the old or the new version, whole, and the next one succeeds",
        arguments: Kind.allCases
    )
    func publishing(kind: Kind) throws {
        var outcomes: Set<Int> = []
        let operations = try walk(kind) { folder, files in
            try folder.publish(3, files: files)
        } _: { folder, files, hasSucceeded, place in
            let found = try generation(folder, files)
            #expect(found == 2 || found == 3, place)
            if hasSucceeded { #expect(found == 3, "published, then lost: \(place)") }
            outcomes.insert(found)
            let before = try #require(try folder.current())
            try folder.prepare()
            try folder.publish(4, files: files)
            #expect(try generation(folder, files) == 4, place)
            #expect(try #require(try folder.current()).number > before.number, place)
            let left = try files.list("/out/versions")
            #expect(left.allSatisfy { !$0.hasPrefix(".") } && left.count <= 3, "\(left), \(place)")
        }
        #expect(operations > 30, "the walk must cover every operation of a publication")
        #expect(outcomes == [2, 3])
        print("\(kind): \(operations) operations")
    }

    @Test("of the first version leaves none, or it", arguments: Kind.allCases)
    func first(kind: Kind) throws {
        var outcomes: Set<Int> = []
        _ = try walk(kind, versions: 0) { folder, files in
            try folder.publish(1, files: files)
        } _: { folder, files, hasSucceeded, place in
            let found = try generation(folder, files)
            #expect(found == 1 || found == 0 && !hasSucceeded, place)
            outcomes.insert(found)
            try folder.prepare()
            try folder.publish(2, files: files)
            #expect(try generation(folder, files) == 2, place)
        }
        #expect(outcomes == [0, 1])
    }

    @Test(
        "of a rollback leaves either version, and never publishes over it",
        arguments: Kind.allCases
    )
    func rollback(kind: Kind) throws {
        var outcomes: Set<Int> = []
        let operations = try walk(kind) { folder, _ in
            _ = try folder.rollback(to: nil, since: "then")
        } _: { folder, files, hasSucceeded, place in
            let found = try generation(folder, files)
            #expect(found == 1 || found == 2 && !hasSucceeded, place)
            outcomes.insert(found)
            if found == 1 {
                // Without the hold the next snapshot would undo it.
                #expect(try folder.hold() != nil, place)
                #expect(try folder.withdrawn().map(\.number) == [2], place)
            } else {
                // The operator tries again.
                #expect(try folder.rollback(to: nil, since: "again").to.number == 1, place)
            }
            _ = try folder.release()
            try folder.publish(3, files: files)
            #expect(try generation(folder, files) == 3, place)
        }
        #expect(operations > 10)
        #expect(outcomes == [1, 2])
    }
}
