import Snapshot

/// Files in memory, for reading alone: a state directory of which each test case alters a copy.
struct MemoryFiles: FileSystem {
    /// By path.
    var contents: [String: [UInt8]] = [:]

    func list(_ directory: String) throws(FileError) -> [String] {
        let prefix = directory + "/"
        let names = contents.keys.filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count).prefix { $0 != "/" }) }
        return Set(names).sorted()
    }

    func open(_ path: String) throws(FileError) -> any ReadableFile {
        guard let bytes = contents[path] else {
            throw FileError(operation: "open", path: path, reason: "none", isMissing: true)
        }
        return OpenMemoryFile(bytes)
    }

    func kind(of path: String) throws(FileError) -> FileKind? {
        contents[path] != nil ? .file : try list(path).isEmpty ? nil : .directory
    }

    func makeDirectory(_ path: String) throws(FileError) { throw readOnly(path) }
    func create(_ path: String) throws(FileError) -> any WritableFile { throw readOnly(path) }
    func syncDirectory(_ path: String) throws(FileError) { throw readOnly(path) }
    func rename(_ path: String, to newPath: String) throws(FileError) { throw readOnly(path) }
    func remove(_ path: String) throws(FileError) { throw readOnly(path) }
    func makeLink(_ path: String, to: String) throws(FileError) { throw readOnly(path) }
    func lock(_ path: String, waits: Bool) throws(FileError) -> (any FileLock)? {
        throw readOnly(path)
    }

    private func readOnly(_ path: String) -> FileError {
        FileError(operation: "change", path: path, reason: "read only")
    }
}

private final class OpenMemoryFile: ReadableFile {
    private var rest: ArraySlice<UInt8>
    let byteCount: Int

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
        byteCount = bytes.count
    }

    func read(into buffer: inout [UInt8], maxCount: Int) throws(FileError) {
        buffer = Array(rest.prefix(maxCount))
        rest = rest.dropFirst(maxCount)
    }
}
