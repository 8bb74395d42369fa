internal import CRename
internal import Glibc
public import Snapshot

/// The directory that a single export is put at: written beside it under a hidden name, then put in its
/// place at once, so that a reader sees the old export or the new one, whole.
public struct ExportDestination: Sendable {
    public let directory: String
    private let files: any FileSystem

    /// - Throws: `ExportError` if something is there that is not an export.
    public init(
        directory: String,
        files: any FileSystem = DiskFileSystem()
    ) throws(ExportError) {
        let path = directory.split(separator: "/").joined(separator: "/")
        self.directory = (directory.hasPrefix("/") ? "/" : "") + path
        self.files = files
        guard let last = path.split(separator: "/").last, last != "..", last != "." else {
            throw ExportError(
                "\(directory) is not a directory that an export could replace: name another"
            )
        }
        try checkReplaceable()
    }

    /// Fills a new directory and puts it in place; what was written is removed if `fill` throws.
    public func replace<Result>(_ fill: (_ directory: String) throws -> Result) throws -> Result {
        try removeAbandoned()
        let temporary = hiddenPrefix + "\(getpid())"
        do throws(FileError) {
            try files.makeDirectory(temporary)
        } catch { throw ExportError("\(error)") }
        do {
            let result = try fill(temporary)
            try checkReplaceable()
            try put(temporary)
            return result
        } catch {
            try? files.remove(temporary)
            throw error
        }
    }

    private var parent: String {
        let parts = directory.split(separator: "/").dropLast().joined(separator: "/")
        return directory.hasPrefix("/") ? "/" + parts : (parts.isEmpty ? "." : parts)
    }

    private var name: String { directory.split(separator: "/").last.map(String.init) ?? "" }

    private var hiddenPrefix: String { parent + "/." + name + ".export-" }

    private func checkReplaceable() throws(ExportError) {
        let found: [String]
        do throws(FileError) {
            found = try files.list(directory)
        } catch {
            if error.isMissing { return }
            throw ExportError("\(error)")
        }
        if found.isEmpty || found.contains(ExportManifest.fileName) { return }
        throw ExportError(
            found.contains("versions")
                ? "\(directory) is a publication folder: publish into it with --watch, or name another "
                    + "directory"
                : "\(directory) holds other things (\(found[0])) and no export: name another directory"
        )
    }

    /// Removes what exports left whose processes are gone.
    private func removeAbandoned() throws(ExportError) {
        do throws(FileError) {
            let prefix = "." + name + ".export-"
            for entry in try files.list(parent) where entry.hasPrefix(prefix) {
                guard let process = pid_t(entry.dropFirst(prefix.count)) else { continue }
                if kill(process, 0) != 0 && errno == ESRCH {
                    try files.remove(parent + "/" + entry)
                }
            }
        } catch {
            if error.isMissing { return }
            throw ExportError("\(error)")
        }
    }

    /// Renames the new directory to its place. An export that is there changes places with it, at once.
    private func put(_ temporary: String) throws(ExportError) {
        do throws(FileError) {
            let isThere = !((try? files.list(directory)) ?? []).isEmpty
            if isThere {
                try exchange(temporary, directory)
                try files.remove(temporary)
            } else {
                try files.rename(temporary, to: directory)
            }
            try files.syncDirectory(parent)
        } catch { throw ExportError("\(error)") }
    }

    private func exchange(_ first: String, _ second: String) throws(FileError) {
        guard unsafe rename_exchange(first, second) == 0 else {
            throw FileError(
                operation: "exchange",
                path: second,
                reason: unsafe String(cString: strerror(errno))
            )
        }
    }
}
