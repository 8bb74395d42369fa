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

    /// What is there may be replaced if it is nothing, an empty directory, or an export and nothing else.
    private func checkReplaceable() throws(ExportError) {
        try checkPlace()
        do throws(ExportError) {
            try checkContents()
        } catch {
            // Another export may have changed places with what was looked at, which is being removed
            // then: only what is there still is refused.
            try checkContents()
        }
    }

    private func checkContents() throws(ExportError) {
        let kind: FileKind?
        let found: [String]
        do throws(FileError) {
            kind = try files.kind(of: directory)
            found = try kind == .directory ? files.list(directory) : []
        } catch {
            if error.isMissing { return }
            throw ExportError("\(error)")
        }
        guard kind == nil || kind == .directory else {
            throw ExportError(
                "\(directory) is a link or a file, not a directory that an export could replace: name "
                    + "another"
            )
        }
        if found.isEmpty { return }
        guard found.contains(ExportManifest.fileName) else {
            throw ExportError(
                found.contains("versions")
                    ? "\(directory) is a publication folder: publish into it with --watch, or name "
                        + "another directory"
                    : "\(directory) holds other things (\(found[0])) and no export: name another "
                        + "directory"
            )
        }
        let export = try ServingExport(directory: directory, files: files)
        let own = export.manifest.files.map(\.name) + [ExportManifest.fileName]
        if let other = found.first(where: { !own.contains($0) }) {
            throw ExportError(
                "\(directory) holds \(other) beside an export, which would be lost: take it away, or "
                    + "name another directory"
            )
        }
    }

    /// A version of a publication, or a directory among snapshots, is not for a single export.
    private func checkPlace() throws(ExportError) {
        let above = parent + "/.."
        do throws(FileError) {
            switch parent.split(separator: "/").last {
            case "versions" where try files.kind(of: above + "/current") != nil: break
            case "snapshots" where try files.kind(of: above + "/CURRENT") != nil: break
            default: return
            }
        } catch { throw ExportError("\(error)") }
        throw ExportError(
            "\(directory) is in a publication folder or a state directory: name another directory"
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
                // The new export is in place: what is left of the old one is removed by the next.
                try? files.remove(temporary)
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
