import ArgumentParser
import Configure
import Export
import Foundation
import Logging
import Snapshot

/// `freshet export`: a snapshot as files that serving systems load.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a snapshot as files for serving, verified before they are handed over.",
        discussion: """
            onnx: model.onnx, which onnxruntime and every server built on it loads as it is. \
            safetensors: model.safetensors, all parameters by name. Beside it features.json says how to \
            compute the inputs, golden.jsonl has impressions with inputs and outputs to test a client with, \
            export.json says what the export is.

            With --watch, the output is a folder of versions in which the link `current` leads to the \
            newest. Each new snapshot of a running daemon is published there, unless it is out of bounds \
            (publish.gate in the configuration), until SIGTERM or SIGINT (Ctrl-C); `rollback` goes back.
            """
    )

    @Option(name: .long, help: "The state directory.", completion: .directory)
    var state: String

    @Option(name: .long, help: "The snapshot's number; the newest good one unless given.")
    var snapshot: String?

    @Option(name: .long, help: "onnx or safetensors.")
    var format: FormatArgument

    @Option(
        name: .long,
        help: """
            The directory of the export; an export that is there is replaced, whole. With --watch the \
            publication folder.
            """,
        completion: .directory
    )
    var output: String

    @Flag(name: .long, help: "Of safetensors: write the optimizer's state, too.")
    var withOptimizer = false

    @Flag(name: .long, help: "Print export.json and what it took.")
    var json = false

    @Flag(name: .long, help: "Follow the state directory, and publish each new good snapshot.")
    var watch = false

    @Option(
        name: .long,
        help: """
            The configuration, a YAML file, of which publish.gate (and with --watch publish.keep) are \
            used. Without it nothing is exported whose parameters are not finite, or while a producer is \
            silent.
            """,
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    func validate() throws {
        guard !watch || (snapshot == nil && !json) else {
            throw ValidationError("--watch takes every snapshot: without --snapshot and --json")
        }
        guard !withOptimizer || format == .safetensors else {
            throw ValidationError("--with-optimizer needs --format safetensors")
        }
    }

    func run() async throws {
        let logger = Logger(label: "freshet")
        if watch { return try await publish(logger: logger) }
        let start = ContinuousClock.now
        let gate = try Gate(publishSettings().gate)
        let destination = try ExportDestination(directory: output)
        let found = try ServingSnapshot.find(snapshot, in: SnapshotStore(reading: state)) {
            logger.warning("a damaged snapshot is passed over", metadata: ["snapshot": "\($0)"])
        }
        try check(found, gate, logger: logger)
        let writer = ExportWriter(
            format: format.format,
            includesOptimizer: withOptimizer,
            programVersion: programVersion
        )
        let manifest = try destination.replace { directory in
            try writer.write(found, to: directory, createdAt: clockMilliseconds())
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print(
            json
                ? try ExportOutcome(manifest: manifest, seconds: seconds).text()
                : "exported \(manifest.model) to \(output) as \(format.rawValue): "
                    + "\(manifest.files.reduce(0) { $0 + $1.bytes } / 1_024) KiB, equal to the snapshot "
                    + String(format: "within %.1e on ", manifest.verification.differenceMax)
                    + "\(manifest.verification.recent) recent and "
                    + "\(manifest.verification.synthetic) made-up impressions"
        )
    }
}

extension ExportCommand {
    /// - Throws: `ConfigurationError`
    func publishSettings() throws -> PublishSettings {
        try config.map { try Configuration(file: $0).publish } ?? PublishSettings()
    }

    /// The gate, in front of a single export. What is at its place counts as published.
    private func check(_ snapshot: ServingSnapshot, _ gate: Gate, logger: Logger) throws {
        let refusals = try gate.refusals(GateCandidate(snapshot), now: clockMilliseconds()) {
            () throws(ExportError) in
            guard let published = try? ServingExport(directory: output) else { return nil }
            return try PredictionShift(from: published, to: snapshot) { logger.warning("\($0)") }
        }
        guard refusals.isEmpty else {
            throw ExportError(
                "snapshot \(snapshot.name) is not exported: "
                    + refusals.map(\.description).joined(separator: "; ")
            )
        }
    }
}

/// The name of a format.
enum FormatArgument: String, ExpressibleByArgument, CaseIterable {
    case onnx, safetensors

    var format: ExportFormat {
        switch self {
        case .onnx: .onnx
        case .safetensors: .safetensors
        }
    }
}

/// `export --json`: the export's manifest, and what it took.
private struct ExportOutcome: Encodable {
    var manifest: ExportManifest
    var seconds: Double

    private enum CodingKeys: String, CodingKey { case seconds }

    func encode(to encoder: any Encoder) throws {
        try manifest.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(seconds, forKey: .seconds)
    }

    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
