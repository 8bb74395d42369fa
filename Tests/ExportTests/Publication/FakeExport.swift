import Configure
import Events
import Export
import Join
import Learn
import Snapshot
import StateCoding

/// Exports whose files are not of a real model: what a folder does with versions does not depend on
/// what is in them.
struct FakeExport {
    /// `generation` is what a reader finds in each file.
    static func write(
        _ generation: Int,
        to directory: String,
        files: any FileSystem = DiskFileSystem()
    ) throws {
        let model = Array(repeating: Array("model \(generation)\n".utf8), count: 1_000).joined()
        let features = Array("features \(generation)\n".utf8)
        let named = [("model.onnx", Array(model)), ("features.json", features)]
        for (name, bytes) in named { try write(bytes, to: directory + "/" + name, files) }
        let manifest = FakeManifest(
            model: "model-\(generation)",
            files: named.map { name, bytes in
                ExportedFile(name: name, bytes: bytes.count, checksum: checksum(bytes))
            }
        )
        let text = try ManifestText.encode(manifest)
        try write(text, to: directory + "/export.json", files)
        try files.syncDirectory(directory)
    }

    /// The generation that a directory holds.
    /// - Throws: if it is not whole.
    static func generation(
        in directory: String,
        files: any FileSystem = DiskFileSystem()
    ) throws -> Int? {
        let export = try ServingExport(directory: directory, files: files)
        try export.checkFiles()
        return Int(export.manifest.model.dropFirst("model-".count))
    }

    private static func write(
        _ bytes: [UInt8],
        to path: String,
        _ files: any FileSystem
    ) throws {
        let file = try files.create(path)
        try unsafe file.write(bytes.span.bytes)
        try file.sync()
    }

    private static func checksum(_ bytes: [UInt8]) -> String {
        var digest = StateDigest()
        unsafe digest.update(bytes.span.bytes)
        return digest.text
    }
}

/// What `export.json` holds.
private struct FakeManifest: Encodable {
    var formatVersion = 1
    var model: String
    var format = "onnx"
    var snapshot = "0000000001"
    var snapshotCreatedAt = 1
    var createdAt = 2
    var programVersion = "0"
    var kernelPath = "portable"
    var configurationFingerprint = ""
    var configuration = Self.entries
    var positions: [String] = []
    var metrics = Metrics(cohortWidth: 1, maturity: 1).report()
    var fields: [FieldFigures] = []
    var verification = Verification()
    var files: [ExportedFile]

    struct Entry: Encodable {
        var key: String
        var value: String
    }

    struct Verification: Encodable {
        var recent = 0
        var synthetic = 0
        var differenceMax = 0.0
        var milliseconds = 0.0

        enum CodingKeys: String, CodingKey {
            case recent, synthetic, milliseconds
            case differenceMax = "max_difference"
        }
    }

    private static let entries = Configuration(
        schema: FeatureSchema(fields: [FeatureField(name: "ad", kind: .categorical(rows: 8))])
    ).canonical.map { Entry(key: $0.key, value: $0.value) }

    enum CodingKeys: String, CodingKey {
        case model, format, snapshot, configuration, positions, metrics, fields, verification, files
        case formatVersion = "format_version"
        case snapshotCreatedAt = "snapshot_created_at"
        case createdAt = "created_at"
        case programVersion = "program_version"
        case kernelPath = "kernel_path"
        case configurationFingerprint = "configuration_fingerprint"
    }
}

extension PublicationFolder {
    /// Publishes a generation over whatever is published.
    @discardableResult
    func publish(
        _ generation: Int,
        files: any FileSystem = DiskFileSystem()
    ) throws -> PublicationResult {
        try publish(replacing: current()) {
            try FakeExport.write(generation, to: $0, files: files)
        }
    }
}
