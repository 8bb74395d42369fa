import Configure
import Events
import Foundation
import Glibc
import LZ4
import Logging
import Pipeline
import Snapshot
import Source
import StateCoding
import TestSupport
import Testing

/// The two snapshots of a real replay, as files in memory, and what a resume makes of altered ones.
struct SnapshotPair {
    static let older = "0000000001"
    static let newer = "0000000002"
    static let fileNames = [
        "manifest.json", "parameters.lz4", "optimizer.lz4", "learner.lz4", "join.lz4", "sample.lz4",
    ]

    let directory: String
    let files: MemoryFiles
    private let settings: PipelineSettings
    private var bodies: [String: SnapshotBody] = [:]

    /// What a resume came to.
    struct Outcome {
        /// The snapshot whose state was loaded; nil if none was.
        var name: String?
        var warnings: [String]
        var error: String?

        var texts: [String] { warnings + (error.map { [$0] } ?? []) }
    }

    /// Reads what `makeSnapshotPair` left.
    init(scene folder: String) throws {
        directory = folder + "/state"
        var files = MemoryFiles()
        let disk = DiskFileSystem()
        files.contents[directory + "/CURRENT"] = try disk.readAll(
            directory + "/CURRENT",
            maxCount: 100
        )
        for snapshot in [Self.older, Self.newer] {
            for name in Self.fileNames {
                let path = "\(directory)/snapshots/\(snapshot)/\(name)"
                files.contents[path] = try disk.readAll(path, maxCount: 1 << 24)
            }
        }
        self.files = files
        let configuration = try Configuration(file: folder + "/config.yaml")
        settings = PipelineSettings(
            schema: configuration.schema,
            decode: configuration.decode,
            order: configuration.order,
            join: configuration.join,
            learn: configuration.learn,
            now: .max
        )
        let store = SnapshotStore(reading: directory, files: files)
        for name in [Self.older, Self.newer] {
            bodies[name] = try store.manifest(of: name, as: SnapshotBody.self).body
        }
    }

    func path(_ snapshot: String, _ name: String) -> String {
        "\(directory)/snapshots/\(snapshot)/\(name)"
    }

    /// Resumes from these files as a command does, and says whose state came out: by the digest of
    /// what the pipeline then holds, not by what the manifest says.
    ///
    /// - Parameter isDeep: Whether a pipeline is made and goes on from it.
    func resume(_ files: MemoryFiles, isDeep: Bool = true) -> Outcome {
        var outcome = Outcome(warnings: [])
        do {
            let store = SnapshotStore(reading: directory, files: files)
            let state = try ResumedState.newest(of: store) { outcome.warnings.append("\($0)") }
            guard let state else { return outcome }
            guard isDeep else {
                outcome.name = owner(state.body.summary.stateDigest, state.body.positions)
                return outcome
            }
            let source = EmptySource(partitions: bodies[Self.newer]!.positions.map(\.partition))
            var pipeline = try Pipeline(
                settings: settings,
                source: source,
                state: state,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let copy = pipeline.copyState()
            let digest = PipelineState.digest(of: copy.sections())
            _ = copy.summary(stateDigest: digest)
            outcome.name = owner(digest, copy.progress)
            // What a hostile state holds must not end the process later either.
            _ = try pipeline.turn(clock: nil, until: StopPoint())
            pipeline.advance(to: 4_000_000_000_000)
            _ = pipeline.copyState().sections()
            _ = pipeline.metrics
        } catch {
            outcome.error = "\(error)"
        }
        return outcome
    }

    /// The error of reading the newer snapshot alone; nil if it is sound.
    func refusal(_ files: MemoryFiles) -> String? {
        do throws(SnapshotError) {
            _ = try ResumedState(Self.newer, of: SnapshotStore(reading: directory, files: files))
            return nil
        } catch { return "\(error)" }
    }

    /// Which snapshot has this digest and these positions; "neither" if none has.
    private func owner(_ digest: String, _ positions: [PartitionProgress]) -> String {
        bodies.first {
            $0.value.summary.stateDigest == digest && $0.value.positions == positions
        }?.key ?? "neither"
    }

    /// The content of a section of the newer snapshot.
    func content(_ name: String) throws -> [UInt8] {
        var decoder = LZ4FrameDecoder()
        var content: [UInt8] = []
        let bytes = files.contents[path(Self.newer, name)]!
        _ = unsafe try decoder.decode(bytes.span.bytes, into: &content, outputMax: 1 << 26)
        return content
    }

    /// The files with a section replaced, and everything that vouches for it made anew, the digest
    /// of the state included.
    func replacing(_ name: String, by content: [UInt8]) throws -> MemoryFiles {
        var encoder = LZ4FrameEncoder()
        var frame: [UInt8] = []
        unsafe encoder.encode(content.span.bytes, into: &frame)
        encoder.finish(into: &frame)
        var digest = StateDigest()
        for other in Self.fileNames.dropFirst() where other != "sample.lz4" {
            let bytes = other == name ? content : try self.content(other)
            unsafe digest.update(bytes.span.bytes)
        }
        let stateDigest = digest.text
        return try resealing { manifest, files in
            files.contents[path(Self.newer, name)] = frame
            var entries = manifest["files"] as! [[String: Any]]
            let index = entries.firstIndex { $0["name"] as? String == name }!
            entries[index]["bytes"] = frame.count
            entries[index]["content_bytes"] = content.count
            entries[index]["checksum"] = checksum(frame)
            manifest["files"] = entries
            var summary = manifest["summary"] as! [String: Any]
            summary["state_digest"] = stateDigest
            manifest["summary"] = summary
        }
    }

    /// The files with the newer snapshot's manifest changed, under a valid checksum.
    func resealing(
        _ change: (inout [String: Any], inout MemoryFiles) throws -> Void
    ) throws -> MemoryFiles {
        var files = files
        let path = path(Self.newer, "manifest.json")
        let text = Data(files.contents[path]!)
        var manifest = try JSONSerialization.jsonObject(with: text) as! [String: Any]
        manifest["manifest_checksum"] = nil
        try change(&manifest, &files)
        let changed = try JSONSerialization.data(
            withJSONObject: manifest,
            options: [.sortedKeys, .withoutEscapingSlashes]
        )
        files.contents[path] = sealed(Array(changed.dropLast()))
        return files
    }

    /// A manifest's text without its last brace, under a valid checksum.
    func sealed(_ text: [UInt8]) -> [UInt8] {
        text + Array(",\n  \"manifest_checksum\" : \"\(checksum(text))\"\n}\n".utf8)
    }

    func checksum(_ bytes: [UInt8]) -> String {
        var digest = StateDigest()
        unsafe digest.update(bytes.span.bytes)
        return digest.text
    }
}

/// Makes a state directory with two snapshots of a short stream in the scene's folder.
func makeSnapshotPair() throws -> FaultScene {
    let scene = try FaultScene(cohort: "1h", "snapshots: {keep: 2}")
    try scene.generate(events: 3_000, seed: 5)
    try scene.poison(linesPerFile: 3, seed: 5)
    let outcome = try CommandProcess.run(
        scene.arguments(
            "replay",
            state: "state",
            ["--files", scene.events, "--snapshot-every", "2000"]
        )
    )
    try #require(outcome.status == 0, "\(outcome.errors)")
    return scene
}

/// Lets this process have `bytes` more of address space, and no more.
func limitMemory(bytes: UInt) {
    let pages =
        (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))
        .flatMap { $0.split(separator: " ").first }.flatMap { UInt($0) } ?? 0
    let size = pages * UInt(getpagesize()) + bytes
    var limit = rlimit(rlim_cur: size, rlim_max: size)
    precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
}

/// Nothing to read.
struct EmptySource: RecordSource {
    let partitions: [Partition]
    var startPositions: [Int64] { partitions.map { _ in 0 } }

    func fetch(partition index: Int, into receive: RecordReceiver) throws(SourceError) {}
    func isAtEnd(partition index: Int) -> Bool { true }
}
