import ArgumentParser
import Export
import Foundation
import Learn
import Pipeline
import Snapshot

/// `freshet diff`: what changed from one snapshot to another.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Shows what changed from one snapshot to another.",
        discussion: """
            Positions, figures, how far every part of the model moved, which fields' embeddings moved \
            most, and which keys of the configuration differ. Snapshots of different models may be \
            compared: what only one of them has is named.
            """
    )

    @Argument(
        help: ArgumentHelp(
            """
            The earlier snapshot: its number, with --state, or the path of a snapshot's directory or \
            of a state directory, for its newest good one.
            """,
            valueName: "a"
        )
    )
    var from: String

    @Argument(help: ArgumentHelp("The later snapshot, likewise.", valueName: "b"))
    var to: String

    @Option(
        name: .long,
        help: "The state directory whose snapshots A and B number.",
        completion: .directory
    )
    var state: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() throws {
        let difference = try SnapshotDifference(from: snapshot(from), to: snapshot(to))
        print(json ? try jsonText(difference) : DifferenceTable(difference).text)
    }

    private func snapshot(_ reference: String) throws -> ServingSnapshot {
        let warn = { (error: any Error) in standardError("warning: \(error)") }
        if let state {
            return try .find(reference, in: SnapshotStore(reading: state), warn: warn)
        }
        var path = reference
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard FileManager.default.fileExists(atPath: path) else {
            let hint =
                Int(reference) == nil
                ? "" : "; for the snapshot of that number give the state directory with --state"
            throw ExportError("there is no \(reference)\(hint)")
        }
        guard FileManager.default.fileExists(atPath: path + "/manifest.json") else {
            return try .find(nil, in: SnapshotStore(reading: path), warn: warn)
        }
        let parts = URL(filePath: path).standardizedFileURL.pathComponents
        guard parts.count > 2, parts[parts.count - 2] == "snapshots" else {
            throw ExportError(
                "\(reference) is not in a state directory: a snapshot is at STATE/snapshots/NUMBER"
            )
        }
        let directory = URL(filePath: path).standardizedFileURL.deletingLastPathComponent()
            .deletingLastPathComponent().path
        return try .find(parts[parts.count - 1], in: SnapshotStore(reading: directory), warn: warn)
    }
}
