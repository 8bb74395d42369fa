import ArgumentParser
import Events
import Foundation
import Pipeline
import Snapshot

/// `freshet inspect`: the snapshots of a state directory.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows a state directory's snapshots, their age, figures and positions."
    )

    @Option(name: .long, help: "The state directory.", completion: .directory)
    var state: String

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() throws {
        let store = SnapshotStore(reading: state)
        let names = try store.names()
        guard !names.isEmpty else { throw PipelineError("there is no snapshot in \(state)") }
        let current = try store.current()
        let entries = names.reversed().map { name in
            InspectedSnapshot(
                name: name,
                isCurrent: name == current,
                content: Result { () throws(SnapshotError) in
                    let manifest = try store.manifest(of: name, as: SnapshotBody.self)
                    try store.checkSizes(of: name, files: manifest.files)
                    return manifest
                }
            )
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let now = clockMilliseconds()
            print(
                String(
                    decoding: try encoder.encode(entries.map { $0.dated(now) }),
                    as: UTF8.self
                )
            )
        } else {
            print(entries.map { $0.text(now: clockMilliseconds()) }.joined(separator: "\n\n"))
        }
        if case .failure(let damage)? = entries.first(where: \.isCurrent)?.content { throw damage }
    }
}

/// A snapshot as it was found: its manifest, or what is wrong with it.
private struct InspectedSnapshot {
    var name: String
    var isCurrent: Bool
    var content: Result<Manifest<SnapshotBody>, SnapshotError>

    func text(now: Int64) -> String {
        let title = "snapshot \(name)" + (isCurrent ? " (current)" : "")
        switch content {
        case .failure(let damage):
            return "\(title)\n  damaged: \(damage)"
        case .success(let manifest):
            let body = manifest.body
            let summary = body.summary
            let bytes = manifest.files.reduce(0) { $0 + $1.bytes }
            var lines = [
                title,
                "  made          \(timestampText(body.createdAt)), "
                    + "\(durationText(now - body.createdAt)) ago, by freshet "
                    + "\(body.programVersion) (\(body.kernelPath))",
                "  stream time   \(summary.streamTime.map(timestampText) ?? "none")",
                "  consumed      \(summary.consumed.total) events, trained "
                    + "\(summary.trained.ctr) CTR and \(summary.trained.ctcvr) CTCVR labels",
                "  size          \(bytes / 1_024) KiB; " + Self.pause(body, manifest.files),
                "  state digest  \(summary.stateDigest)",
            ]
            lines += MetricsTable.lines(summary.metrics).map { "  " + $0 }
            if summary.silence.isSilent {
                lines += summary.silence.metadata.sorted { $0.key < $1.key }.map {
                    "  silent        \($0.key) \($0.value)"
                }
            }
            lines += body.positions.map {
                "  position      \($0.partition.name)/\($0.partition.number) \($0.position)"
            }
            return lines.joined(separator: "\n")
        }
    }

    /// "learner paused for 1.20 ms, 0.06 ms per MB of state"
    private static func pause(_ body: SnapshotBody, _ files: [FileEntry]) -> String {
        let megabytes = Double(files.reduce(0) { $0 + $1.contentBytes }) / 1e6
        return String(
            format: "learner paused for %.2f ms, %.2f ms per MB of state",
            body.pauseMilliseconds,
            body.pauseMilliseconds / max(megabytes, 1e-3)
        )
    }

    func dated(_ now: Int64) -> Dated { Dated(snapshot: self, now: now) }

    /// The manifest's own keys, with name, age and damage beside them.
    struct Dated: Encodable {
        var snapshot: InspectedSnapshot
        var now: Int64

        private enum CodingKeys: String, CodingKey {
            case name, current, damage
            case age = "age_seconds"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(snapshot.name, forKey: .name)
            try container.encode(snapshot.isCurrent, forKey: .current)
            switch snapshot.content {
            case .success(let manifest):
                try manifest.encode(to: encoder)
                try container.encode(
                    Double(now - manifest.body.createdAt) / 1_000,
                    forKey: .age
                )
            case .failure(let damage):
                try container.encode("\(damage)", forKey: .damage)
            }
        }
    }
}
