public import Configure
internal import Pipeline
public import Snapshot

/// What came of one snapshot.
public enum PublicationOutcome: Sendable {
    case published(PublishedVersion, model: String)
    /// The published version is of this very state.
    case unchanged
    /// The gate did not let it through.
    case refused([Refusal])
    /// Publication waits until `freshet rollback --release`.
    case held(Hold)
    /// Its model was rolled back, and is not published again.
    case withdrawn(model: String)
    /// Another publisher was faster; it is to be looked at again.
    case superseded
    /// It has been removed meanwhile, to make room for newer ones.
    case gone
}

/// Takes a snapshot through the gate into a publication folder.
public struct Publisher: Sendable {
    /// Writes and verifies an export of a snapshot in an empty directory; the last argument is the time.
    public typealias Export =
        @Sendable (ServingSnapshot, _ directory: String, _ createdAt: Int64) throws -> Void

    let store: SnapshotStore
    let folder: PublicationFolder
    private let gate: Gate
    private let files: any FileSystem
    private let export: Export
    private let format: ExportFormat?

    /// - Parameter format: of the exports; a published one of another is replaced. nil: whatever it is.
    public init(
        store: SnapshotStore,
        folder: PublicationFolder,
        gate: Gate,
        format: ExportFormat? = nil,
        files: any FileSystem = DiskFileSystem(),
        export: @escaping Export
    ) {
        self.store = store
        self.folder = folder
        self.gate = gate
        self.files = files
        self.export = export
        self.format = format
    }

    /// Publishes a snapshot unless something speaks against it; what was published stays then.
    ///
    /// - Parameters:
    ///   - now: milliseconds since the epoch, by the caller's clock.
    ///   - warn: told of what is no obstacle: a published export that cannot be read, old versions that
    ///     cannot be removed.
    /// - Throws: why the snapshot cannot be read, or the export not be written or verified.
    public func publish(
        _ name: String,
        now: Int64,
        warn: (ExportError) -> Void
    ) throws -> PublicationOutcome {
        if let hold = try folder.hold() { return .held(hold) }
        do {
            let model = try ServingSnapshot.modelID(of: name, in: store)
            let current = try folder.current()
            let published = current.flatMap { export(of: $0, warn: warn) }
            if let published = published?.manifest, published.model == model,
                format == nil || published.format == format
            {
                return .unchanged
            }
            if try folder.withdrawn().contains(where: { $0.model == model }) {
                return .withdrawn(model: model)
            }
            let snapshot = try ServingSnapshot(name, of: store)
            let refusals = try gate.refusals(GateCandidate(snapshot), now: now) {
                () throws(ExportError) in
                guard let published else { return nil }
                return try PredictionShift(from: published, to: snapshot, warn: warn)
            }
            guard refusals.isEmpty else { return .refused(refusals) }
            let result = try folder.publish(replacing: current, warn: warn) { directory in
                try export(snapshot, directory, now)
            }
            switch result {
            case .published(let version): return .published(version, model: snapshot.modelID)
            case .held(let hold): return .held(hold)
            case .superseded: return .superseded
            }
        } catch {
            if try !store.names().contains(name) { return .gone }
            throw error
        }
    }

    /// The published export; nil, with a warning, if it cannot be read.
    private func export(
        of version: PublishedVersion,
        warn: (ExportError) -> Void
    ) -> ServingExport? {
        do throws(ExportError) {
            return try ServingExport(directory: version.directory, files: files)
        } catch {
            warn(ExportError("the published version cannot be read, and not be compared: \(error)"))
            return nil
        }
    }
}

extension ServingSnapshot {
    /// What `modelID` is, from the manifest alone.
    static func modelID(of name: String, in store: SnapshotStore) throws(SnapshotError) -> String {
        let manifest = try store.manifest(of: name, as: SnapshotBody.self)
        return "\(name)-\(manifest.body.summary.stateDigest)"
    }
}

extension ExportFormat {
    /// The format that a configuration asks for.
    public init(_ format: PublishSettings.Format) {
        self =
            switch format {
            case .onnx: .onnx
            case .safetensors: .safetensors
            }
    }
}
