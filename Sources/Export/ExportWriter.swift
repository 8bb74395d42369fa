internal import Configure
internal import Decode
internal import Events
internal import Foundation
internal import Learn
internal import Pipeline
public import Snapshot

/// Writes a snapshot as an export, and does not hand it over before it has been verified: recent and
/// made-up impressions are scored by the files, read back, and by the snapshot's own network.
public struct ExportWriter: Sendable {
    /// No probability may differ by more.
    public static let differenceLimit = 1e-5

    public let format: ExportFormat
    private let includesOptimizer: Bool
    private let programVersion: String
    private let files: any FileSystem

    /// - Parameter includesOptimizer: whether safetensors hold the optimizer's state, too.
    public init(
        format: ExportFormat,
        includesOptimizer: Bool = false,
        programVersion: String,
        files: any FileSystem = DiskFileSystem()
    ) {
        self.format = format
        self.includesOptimizer = includesOptimizer
        self.programVersion = programVersion
        self.files = files
    }

    /// Writes the export's files into an empty directory, durably, the manifest last.
    ///
    /// - Parameter createdAt: Milliseconds since the epoch, by the caller's clock.
    /// - Throws: also when parameters are not finite or the verification fails; what has been written
    ///   then is the caller's to remove.
    public func write(
        _ snapshot: ServingSnapshot,
        to directory: String,
        createdAt: Int64
    ) throws -> ExportManifest {
        let model = try snapshot.model()
        try model.checkFinite()
        var names = try format.write(
            model,
            metadata: metadata(of: snapshot),
            optimizerState: includesOptimizer ? try snapshot.optimizerState() : nil,
            to: directory,
            files: files
        )
        let impressions = try VerificationImpressions(snapshot)
        let expected = try NetworkScorer(model).score(impressions.batch)
        try checkFinite(expected)
        let description = FeatureDescription(
            schema: snapshot.configuration.schema,
            model: snapshot.modelID
        )
        try writeFile(FeatureDescription.fileName, try description.text(), in: directory)
        let golden = try impressions.golden(outputs: expected).flatMap {
            try $0.line(snapshot.configuration)
        }
        try writeFile(GoldenImpression.fileName, golden, in: directory)
        names += [FeatureDescription.fileName, GoldenImpression.fileName]

        let verification = try verify(directory, snapshot, impressions, expected)
        let manifest = try ExportManifest(
            snapshot,
            format: format,
            createdAt: createdAt,
            programVersion: programVersion,
            verification: verification,
            files: try names.map { (name) throws(ExportError) in
                try ExportedFile(name: name, in: directory, files: files)
            }
        )
        try writeFile(
            ExportManifest.fileName,
            try ManifestText.encode(manifest),
            in: directory
        )
        do throws(FileError) {
            try files.syncDirectory(directory)
        } catch { throw ExportError("\(error)") }
        return manifest
    }

    private func checkFinite(_ results: [Probabilities]) throws(ExportError) {
        let broken = results.count { !($0.ctr.isFinite && $0.cvr.isFinite && $0.ctcvr.isFinite) }
        guard broken == 0 else {
            throw ExportError(
                "the model gives \(broken) of \(results.count) impressions no finite probability"
            )
        }
    }

    /// Reads the files back, and holds the two ways of scoring against each other.
    private func verify(
        _ directory: String,
        _ snapshot: ServingSnapshot,
        _ impressions: VerificationImpressions,
        _ expected: [Probabilities]
    ) throws(ExportError) -> ExportManifest.Verification {
        let start = ContinuousClock.now
        let scorer = try format.scorer(
            directory: directory,
            schema: snapshot.configuration.schema,
            files: files
        )
        let found = try scorer.score(impressions.batch)
        var verification = ExportManifest.Verification(
            recent: impressions.recentCount,
            synthetic: SyntheticImpressions.count,
            differenceMax: 0,
            milliseconds: (ContinuousClock.now - start) / .milliseconds(1)
        )
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            let difference = found.difference(from: expected)
            // Written so that NaN fails.
            guard difference <= Self.differenceLimit else {
                throw ExportError(
                    "the exported model differs from the snapshot's by \(difference) "
                        + "(ctr \(found.ctr) for \(expected.ctr), cvr \(found.cvr) for "
                        + "\(expected.cvr)) on impression \(index) of its verification; "
                        + "it is not handed over"
                )
            }
            verification.differenceMax = max(verification.differenceMax, difference)
        }
        return verification
    }

    /// What the model's file says of itself.
    private func metadata(of snapshot: ServingSnapshot) throws -> [(key: String, value: String)] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = snapshot.body
        return [
            (key: "model_id", value: snapshot.modelID),
            (key: "stream_time", value: body.summary.streamTime.map { "\($0)" } ?? ""),
            (
                key: "positions",
                value: String(decoding: try encoder.encode(body.positions), as: UTF8.self)
            ),
            (key: "configuration_fingerprint", value: body.configurationFingerprint),
            (
                key: "configuration",
                value: String(decoding: try encoder.encode(body.configuration), as: UTF8.self)
            ),
            (key: "hash", value: "xxh64"),
            (
                key: "hashing_rule",
                value: "row = XXH64(utf8(value), the field's seed in features.json) mod rows"
            ),
            (key: "program_version", value: programVersion),
        ]
    }

    private func writeFile(_ name: String, _ bytes: [UInt8], in directory: String)
        throws(ExportError)
    {
        do throws(FileError) {
            let file = try files.create(directory + "/" + name)
            try unsafe file.write(bytes.span.bytes)
            try file.sync()
        } catch { throw ExportError("\(error)") }
    }
}

extension Probabilities {
    /// The greatest difference of the three.
    func difference(from other: Probabilities) -> Double {
        let differences = [abs(ctr - other.ctr), abs(cvr - other.cvr), abs(ctcvr - other.ctcvr)]
        return differences.contains(where: \.isNaN) ? .nan : differences.max() ?? 0
    }
}

extension ServingModel {
    /// - Throws: `ExportError` naming a tensor that holds NaN or infinity.
    borrowing func checkFinite() throws(ExportError) {
        let tensors = network.tensors
        let broken = network.withParameters { parameters in
            tensors.first { tensor in !tensor.range.allSatisfy { parameters[$0].isFinite } }
        }
        if let broken {
            throw ExportError("\(broken.name) holds a value that is not finite")
        }
    }
}

extension ExportManifest {
    fileprivate init(
        _ snapshot: ServingSnapshot,
        format: ExportFormat,
        createdAt: Int64,
        programVersion: String,
        verification: Verification,
        files: [ExportedFile]
    ) throws(ExportError) {
        let body = snapshot.body
        self.init(
            model: snapshot.modelID,
            format: format,
            snapshot: snapshot.name,
            snapshotCreatedAt: body.createdAt,
            createdAt: createdAt,
            streamTime: body.summary.streamTime,
            programVersion: programVersion,
            kernelPath: body.kernelPath,
            configurationFingerprint: body.configurationFingerprint,
            configuration: body.configuration,
            positions: body.positions,
            metrics: body.summary.metrics,
            fields: try snapshot.fieldFigures(),
            verification: verification,
            files: files
        )
    }
}
