public import Configure
internal import Events
internal import Learn
internal import Pipeline
public import Snapshot
internal import StateCoding

/// An export read back from its directory.
public struct ServingExport: Sendable {
    public let directory: String
    public let manifest: ExportManifest
    /// What determines the model; the rest of it is at its defaults.
    public let configuration: Configuration
    private let files: any FileSystem

    /// Opens `directory`, an export; its files are looked at when they are used.
    /// - Throws: `ExportError` naming what is missing, damaged or not understood.
    public init(
        directory: String,
        files: any FileSystem = DiskFileSystem()
    ) throws(ExportError) {
        self.directory = directory
        self.files = files
        let path = directory + "/" + ExportManifest.fileName
        let text: [UInt8]
        do throws(FileError) {
            text = try files.readAll(path, maxCount: manifestBytesMax)
        } catch {
            throw ExportError(
                error.isMissing
                    ? "\(directory) is no export: it has no \(ExportManifest.fileName)" : "\(error)"
            )
        }
        do {
            manifest = try ManifestText.decode(ExportManifest.self, from: text)
        } catch let damage as ManifestDamage {
            throw ExportError("\(path) \(damage.reason)")
        } catch { throw ExportError("\(path) is no manifest of an export (\(error))") }
        guard manifest.formatVersion == 1 else {
            throw ExportError("\(path) has format version \(manifest.formatVersion), not 1")
        }
        do throws(ConfigurationError) {
            configuration = try Configuration(
                entries: manifest.configuration.map { ($0.key, $0.value) },
                file: path
            )
        } catch { throw ExportError("\(error)") }
    }

    /// Verifies every file against the manifest.
    public func checkFiles() throws(ExportError) {
        for file in manifest.files {
            let path = directory + "/" + file.name
            guard !file.name.contains("/"), file.name != ".." else {
                throw ExportError("\(directory): \(file.name) is no file of an export")
            }
            let found = try ExportedFile(name: file.name, in: directory, files: files)
            guard found == file else {
                throw ExportError(
                    "\(path) is damaged: \(found.bytes) bytes with checksum \(found.checksum), "
                        + "the manifest says \(file.bytes) and \(file.checksum)"
                )
            }
        }
    }

    /// What scores by the verified files.
    public func scorer() throws(ExportError) -> any Scorer {
        try checkFiles()
        return try manifest.format.scorer(
            directory: directory,
            schema: configuration.schema,
            files: files
        )
    }
}

/// A manifest has a few hundred bytes for each partition and key.
private let manifestBytesMax = 16 << 20

extension ExportedFile {
    /// A file as it is.
    init(name: String, in directory: String, files: any FileSystem) throws(ExportError) {
        do throws(FileError) {
            let file = try files.open(directory + "/" + name)
            var digest = StateDigest()
            var chunk: [UInt8] = []
            var bytes = 0
            repeat {
                try file.read(into: &chunk, maxCount: 1 << 20)
                unsafe digest.update(chunk.span.bytes)
                bytes += chunk.count
            } while !chunk.isEmpty
            self.init(name: name, bytes: bytes, checksum: digest.text)
        } catch { throw ExportError("\(error)") }
    }
}
