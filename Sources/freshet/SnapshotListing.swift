import Export
import Foundation
import Pipeline
import Snapshot

/// All snapshots of a state directory, one of them in detail.
struct SnapshotListing {
    private let store: SnapshotStore
    /// The newest first.
    private var snapshots: [InspectedSnapshot]

    /// - Parameter chosen: the number of the snapshot to look into; nil: the current one.
    init(_ store: SnapshotStore, chosen: String?) throws {
        self.store = store
        let names = try store.names()
        guard let newest = names.last else {
            throw PipelineError("there is no snapshot in \(store.directory)")
        }
        let current = try store.current()
        var detailed = current ?? newest
        if let chosen {
            detailed = SnapshotStore.name(number: chosen)
            guard names.contains(detailed) else {
                throw ExportError(
                    "\(store.directory) has no snapshot \(chosen); it has "
                        + names.joined(separator: ", ")
                )
            }
        }
        snapshots = names.reversed().map { name in
            InspectedSnapshot(
                name,
                of: store,
                isCurrent: name == current,
                isDetailed: name == detailed
            )
        }
    }

    /// Whether the snapshot to look into has been removed since.
    func hasVanished() throws -> Bool {
        guard let detailed = snapshots.first(where: \.isDetailed), detailed.damage != nil else {
            return false
        }
        return try !store.names().contains(detailed.name)
    }

    /// What is wrong with the current snapshot, or the chosen one.
    var damage: (any Error)? {
        snapshots.first { ($0.isCurrent || $0.isDetailed) && $0.damage != nil }?.damage
    }

    func text(now: Int64) -> String {
        var table = TextTable([
            ("snapshot", .left), ("", .left), ("made", .left), ("age", .right),
            ("stream time", .left), ("events", .right), ("CTR AUC", .right),
            ("norm. entropy", .right), ("calibration", .right), ("size", .right),
        ])
        for snapshot in snapshots { table.append(snapshot.row(now: now)) }
        let details = snapshots.first(where: \.isDetailed)?.details(now: now) ?? []
        return (table.lines + [""] + details).joined(separator: "\n")
    }

    func dated(_ now: Int64) -> [InspectedSnapshot.Dated] { snapshots.map { $0.dated(now) } }
}
