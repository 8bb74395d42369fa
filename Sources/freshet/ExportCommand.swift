import ArgumentParser
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
        help: "The directory of the export; an export that is there is replaced, whole.",
        completion: .directory
    )
    var output: String

    @Flag(name: .long, help: "Of safetensors: write the optimizer's state, too.")
    var withOptimizer = false

    @Flag(name: .long, help: "Print export.json and what it took.")
    var json = false

    func validate() throws {
        guard !withOptimizer || format == .safetensors else {
            throw ValidationError("--with-optimizer needs --format safetensors")
        }
    }

    func run() async throws {
        let logger = Logger(label: "freshet")
        let start = ContinuousClock.now
        let destination = try ExportDestination(directory: output)
        let found = try ServingSnapshot.find(snapshot, in: SnapshotStore(reading: state)) {
            logger.warning("a damaged snapshot is passed over", metadata: ["snapshot": "\($0)"])
        }
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
                    + "within \(manifest.verification.differenceMax) on "
                    + "\(manifest.verification.recent) recent and "
                    + "\(manifest.verification.synthetic) made-up impressions"
        )
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
