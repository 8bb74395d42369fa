public import Snapshot

extension ServingExport {
    /// Opens `path`, which is an export or a publication folder: then what is published in it now, of
    /// which all files are of one version.
    public init(
        at path: String,
        files: any FileSystem = DiskFileSystem()
    ) throws(ExportError) {
        let kind: FileKind?
        do throws(FileError) {
            kind = try files.kind(of: path + "/" + ExportManifest.fileName)
        } catch { throw ExportError("\(error)") }
        if kind == nil,
            let published = try PublicationFolder(directory: path, files: files).current()
        {
            try self.init(directory: published.directory, files: files)
        } else if kind == nil,
            (try? files.kind(of: path + "/versions")) == .directory
        {
            throw ExportError("nothing is published in \(path) yet")
        } else {
            // Says what it is if it is no export.
            try self.init(directory: path, files: files)
        }
    }
}
