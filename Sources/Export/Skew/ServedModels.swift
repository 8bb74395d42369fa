internal import Snapshot

/// The models that have served, by the ids that their manifests hold. No path is ever built from an id.
struct ServedModels {
    /// Models whose parameters are held at a time: a log changes from one to the next.
    private static let loadedMax = 4

    private var exports: [String: ServingExport] = [:]
    /// The one used last comes first.
    private var loaded: [ComparedModel] = []

    /// - Parameters:
    ///   - directory: a publication folder, or an export.
    ///   - warn: told of versions that cannot be read.
    init(
        directory: String,
        files: any FileSystem,
        warn: (any Error) -> Void
    ) throws(ExportError) {
        let folder = PublicationFolder(directory: directory, files: files)
        let versions = try folder.all()
        guard !versions.isEmpty else {
            add(try ServingExport(directory: directory, files: files))
            return
        }
        for version in versions {
            do throws(ExportError) {
                add(try ServingExport(directory: version.directory, files: files))
            } catch { warn(error) }
        }
        guard !exports.isEmpty else {
            throw ExportError("\(directory)/versions holds no export that can be read")
        }
    }

    /// Of two versions of one model the later one stays.
    private mutating func add(_ export: ServingExport) {
        exports[export.manifest.model] = export
    }

    /// The model of that id; nil if it is none of these.
    mutating func find(_ id: String) throws(ExportError) -> ComparedModel? {
        if let index = loaded.firstIndex(where: { $0.id == id }) {
            let model = loaded[index]
            if index > 0 {
                loaded.remove(at: index)
                loaded.insert(model, at: 0)
            }
            return model
        }
        guard let export = exports[id] else { return nil }
        if loaded.count == Self.loadedMax { loaded.removeLast() }
        let model = ComparedModel(
            id: id,
            scorer: try export.scorer(),
            configuration: export.configuration
        )
        loaded.insert(model, at: 0)
        return model
    }
}
