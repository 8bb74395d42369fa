import Snapshot
import TestSupport
import Testing

/// A fault at every single operation of a whole snapshot: its files, its rename, `CURRENT`, the
/// removal of the oldest, and opening the directory again.
@Suite struct FaultWalkTests {
    private enum Kind: String, CaseIterable, Sendable {
        case failure, shortWrite, cacheLost, cacheKept, cacheTorn

        func fault(at step: Int) -> FaultyFileSystem.Fault {
            switch self {
            case .failure: .fail(at: step)
            case .shortWrite: .shortWrite(at: step)
            case .cacheLost, .cacheKept, .cacheTorn: .powerLoss(at: step)
            }
        }
    }

    /// A store that keeps two snapshots and has two.
    private func fullStore() throws -> (FaultyFileSystem, SnapshotStore) {
        let files = FaultyFileSystem()
        let store = try SnapshotStore(directory: "/state", files: files)
        for generation in 1...2 { try save(generation, to: store) }
        return (files, store)
    }

    /// What the writer does for each snapshot.
    /// - Returns: whether the snapshot itself was written.
    @discardableResult
    private func save(_ generation: Int, to store: SnapshotStore) throws -> Bool {
        try store.write(
            name: store.nextName(),
            sections: sections(generation),
            manifest: Body(generation: generation)
        )
        do {
            try store.prune(SnapshotSettings(keep: 2), now: 0) { _ in nil }
        } catch {
            // It costs disk, not data.
        }
        return true
    }

    @Test(
        "leaves the old or the new snapshot, and the next one succeeds and cleans up",
        arguments: Kind.allCases
    )
    private func everyOperation(kind: Kind) throws {
        var outcomes: Set<Int> = []
        var operations = 0
        var cases = 0
        var step = 0
        repeat {
            for seed in 0..<(kind == .cacheTorn ? 40 : 1) {
                let (files, store) = try fullStore()
                files.inject(kind.fault(at: step))
                let isWritten = (try? save(3, to: store)) ?? false
                operations = files.operations
                if kind == .cacheTorn {
                    files.restartTorn(seed: UInt64(step * 1_000 + seed))
                } else {
                    files.restart(keepingUnsynced: kind != .cacheLost)
                }
                let place = "\(kind) at operation \(step) of \(operations), seed \(seed)"
                let generation = try newestGeneration(in: files)
                #expect(generation == 2 || generation == 3, "\(place)")
                if isWritten { #expect(generation == 3, "saved, then lost: \(place)") }
                outcomes.insert(generation ?? 0)

                let next = try SnapshotStore(directory: "/state", files: files)
                try save(4, to: next)
                #expect(try newestGeneration(in: files) == 4, "\(place)")
                let left = try files.list("/state/snapshots")
                #expect(left.count == 2 && left.allSatisfy { !$0.hasPrefix(".") }, "\(place)")
                cases += 1
            }
            step += 1
        } while step <= operations
        #expect(operations > 20, "the walk must cover every operation of a snapshot")
        #expect(outcomes == [2, 3])
        print("\(kind): \(operations) operations, \(cases) cases")
    }

    @Test("of reopening after a crash is walked too", arguments: Kind.allCases)
    private func reopening(kind: Kind) throws {
        for crash in 0..<40 {
            var step = 0
            var operations = 0
            repeat {
                let (files, store) = try fullStore()
                files.inject(.powerLoss(at: crash))
                _ = try? save(3, to: store)
                files.restart(keepingUnsynced: true)
                let before = try newestGeneration(in: files)
                files.inject(kind.fault(at: step))
                _ = try? SnapshotStore(directory: "/state", files: files)
                operations = files.operations
                if kind == .cacheTorn {
                    files.restartTorn(seed: UInt64(step))
                } else {
                    files.restart(keepingUnsynced: kind != .cacheLost)
                }
                let after = try newestGeneration(in: files)
                // What the first crash left in the cache may go with the second.
                #expect(
                    after == before || (kind == .cacheLost || kind == .cacheTorn) && after == 2,
                    "\(kind) at operation \(step) after a crash at \(crash)"
                )
                step += 1
            } while step <= operations
        }
    }
}
