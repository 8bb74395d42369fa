public import Snapshot

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ServingExport {
    /// Opens `path`, which is an export or a publication folder: then what is published in it now. The
    /// link is followed once, so that all files are of one version.
    public init(
        at path: String,
        files: any FileSystem = DiskFileSystem()
    ) throws(ExportError) {
        do throws(FileError) {
            _ = try files.open(path + "/" + ExportManifest.fileName)
        } catch {
            guard error.isMissing, let published = Self.destination(of: path + "/current") else {
                // Says what is wrong with it.
                try self.init(directory: path, files: files)
                return
            }
            try self.init(directory: published, files: files)
            return
        }
        try self.init(directory: path, files: files)
    }

    /// The path without links; nil if it leads nowhere.
    private static func destination(of path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(validatingCString: resolved)
    }
}
