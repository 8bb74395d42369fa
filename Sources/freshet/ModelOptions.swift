import ArgumentParser
import Configure
import Export
import Snapshot

/// Which model a command looks at.
struct ModelOptions: ParsableArguments {
    @Option(name: .long, help: "The state directory.", completion: .directory)
    var state: String?

    @Option(
        name: .long,
        help: "With --state: the snapshot's number. (default: the newest good one)"
    )
    var snapshot: String?

    @Option(
        name: .long,
        help: "An export, or a publication folder for what is published there.",
        completion: .directory
    )
    var export: String?

    var isEmpty: Bool { state == nil && snapshot == nil && export == nil }

    /// - Throws: `ValidationError` unless there is either a state or an export.
    func requireOne() throws {
        guard (state == nil) != (export == nil) else {
            throw ValidationError("give either --state or --export")
        }
        guard snapshot == nil || state != nil else {
            throw ValidationError("--snapshot is a snapshot of --state")
        }
    }

    /// What scores by the model, and the configuration it was made with.
    func scorer() throws -> (any Scorer, Configuration) {
        if let export {
            let found = try ServingExport(at: export)
            return (try found.scorer(), found.configuration)
        }
        let found = try ServingSnapshot.find(
            snapshot,
            in: SnapshotStore(reading: state ?? ""),
            warn: { standardError("warning: \($0)") }
        )
        return (NetworkScorer(try found.model()), found.configuration)
    }
}
