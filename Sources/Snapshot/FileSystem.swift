/// A file operation that failed: which, on what, and the system's reason.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var operation: String
    public var path: String
    public var reason: String
    /// The file or directory does not exist.
    public var isMissing: Bool

    public init(operation: String, path: String, reason: String, isMissing: Bool = false) {
        self.operation = operation
        self.path = path
        self.reason = reason
        self.isMissing = isMissing
    }

    public var description: String { "\(operation) \(path): \(reason)" }
}

/// The file operations that a snapshot consists of, each a step that can fail or be lost by itself.
/// Tests put a layer underneath that fails, or forgets what was not synced, at a chosen step.
public protocol FileSystem: Sendable {
    /// Creates a directory and those above it; an existing one is fine.
    func makeDirectory(_ path: String) throws(FileError)
    /// Creates a file, or empties it.
    func create(_ path: String) throws(FileError) -> any WritableFile
    /// Makes the directory's entries (creations, renames, removals) durable.
    func syncDirectory(_ path: String) throws(FileError)
    /// Renames, replacing an existing file.
    func rename(_ path: String, to newPath: String) throws(FileError)
    /// Removes a file, or a directory with all that is in it; a missing one is fine.
    func remove(_ path: String) throws(FileError)
    /// The names in a directory, in byte order.
    func list(_ directory: String) throws(FileError) -> [String]
    func open(_ path: String) throws(FileError) -> any ReadableFile
    /// What stands at a path, without following a link; nil if there is nothing.
    func kind(of path: String) throws(FileError) -> FileKind?
    /// Creates a symbolic link, where nothing may stand yet.
    func makeLink(_ path: String, to destination: String) throws(FileError)
    /// Locks a file, which is created if absent, against other holders in this and other processes;
    /// until it is released, or the process ends, however it ends.
    ///
    /// - Parameter waits: whether to wait for another holder.
    /// - Returns: nil if there is another, and `waits` is false.
    func lock(_ path: String, waits: Bool) throws(FileError) -> (any FileLock)?
}

/// What stands at a path.
public enum FileKind: Equatable, Sendable {
    case file, directory, other
    case link(to: String)
}

/// A lock on a file. It is released when it is deinitialised.
public protocol FileLock: AnyObject, Sendable {}

/// A file being written. It is closed when it is released.
public protocol WritableFile {
    func write(_ bytes: RawSpan) throws(FileError)
    /// Makes everything written so far durable.
    func sync() throws(FileError)
}

/// A file being read. It is closed when it is released.
public protocol ReadableFile {
    var byteCount: Int { get }
    /// Replaces the buffer's content by the next bytes, at most `maxCount`; empty at the end.
    func read(into buffer: inout [UInt8], maxCount: Int) throws(FileError)
}

extension FileSystem {
    /// Makes a new directory's own entry durable, as far as that is possible: the folder above it may be
    /// one that this process may pass but not read.
    public func syncParent(of path: String) {
        let above = path.split(separator: "/").dropLast().joined(separator: "/")
        try? syncDirectory(path.hasPrefix("/") ? "/" + above : above.isEmpty ? "." : above)
    }

    /// Reads a whole file that must not be longer than `maxCount` bytes.
    public func readAll(_ path: String, maxCount: Int) throws(FileError) -> [UInt8] {
        let file = try open(path)
        guard file.byteCount <= maxCount else {
            throw FileError(
                operation: "read",
                path: path,
                reason: "\(file.byteCount) bytes, more than the \(maxCount) it may have"
            )
        }
        var whole: [UInt8] = []
        var chunk: [UInt8] = []
        repeat {
            try file.read(into: &chunk, maxCount: 1 << 16)
            whole += chunk
        } while !chunk.isEmpty && whole.count <= maxCount
        return whole
    }
}
