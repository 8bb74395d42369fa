import Snapshot

/// A file system in memory that fails, or loses what was not synced, at a chosen operation.
///
/// Like a disk with a write cache: a file's content is durable once the file is synced, a directory's
/// entries once the directory is. Each test drives its own from one thread, hence unchecked.
final class FaultyFileSystem: FileSystem, @unchecked Sendable {
    enum Fault: Equatable {
        case none
        /// The operation with this index reports an error; later ones work.
        case fail(at: Int)
        /// The power goes before the operation with this index: it and all later ones report an
        /// error, until `restart`.
        case powerLoss(at: Int)
    }

    private let root = Directory()
    private var fault = Fault.none
    /// Operations so far that a fault can hit.
    private(set) var operations = 0

    func inject(_ fault: Fault) {
        self.fault = fault
        operations = 0
    }

    /// Comes back after a power loss.
    /// - Parameter keepingUnsynced: Whether the cache happened to reach the disk.
    func restart(keepingUnsynced: Bool) {
        fault = .none
        if !keepingUnsynced { root.forgetUnsynced() }
    }

    fileprivate func perform<Result>(
        _ operation: String,
        _ path: String,
        _ body: (Directory) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        let index = operations
        operations += 1
        switch fault {
        case .fail(at: index):
            throw FileError(operation: operation, path: path, reason: "injected fault")
        case .powerLoss(let at) where index >= at:
            throw FileError(operation: operation, path: path, reason: "no power")
        default:
            return try body(root)
        }
    }

    func makeDirectory(_ path: String) throws(FileError) {
        try perform("create directory", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            if parent.entries[name] == nil { parent.entries[name] = .directory(Directory()) }
        }
    }

    func create(_ path: String) throws(FileError) -> any WritableFile {
        try perform("create", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            let content = FileContent()
            parent.entries[name] = .file(content)
            return OpenFile(system: self, path: path, content: content)
        }
    }

    func syncDirectory(_ path: String) throws(FileError) {
        try perform("sync directory", path) { (root) throws(FileError) in
            let directory = try root.directory(at: path)
            directory.durable = directory.entries
        }
    }

    func rename(_ path: String, to newPath: String) throws(FileError) {
        try perform("rename", path) { (root) throws(FileError) in
            let (oldParent, oldName) = try root.parent(of: path)
            let (newParent, newName) = try root.parent(of: newPath)
            guard let entry = oldParent.entries.removeValue(forKey: oldName) else {
                throw FileError.missing("rename", path)
            }
            newParent.entries[newName] = entry
        }
    }

    func remove(_ path: String) throws(FileError) {
        try perform("remove", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            parent.entries[name] = nil
        }
    }

    func list(_ directory: String) throws(FileError) -> [String] {
        try perform("list", directory) { (root) throws(FileError) in
            try root.directory(at: directory).entries.keys.sorted()
        }
    }

    func open(_ path: String) throws(FileError) -> any ReadableFile {
        try perform("open", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("open", path)
            }
            return OpenFile(system: self, path: path, content: content)
        }
    }

    /// The bytes of a file, for tests that alter them.
    func bytes(of path: String) throws(FileError) -> [UInt8] {
        try perform("read", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("read", path)
            }
            return content.bytes
        }
    }

    /// Replaces the bytes of a file behind the program's back.
    func overwrite(_ path: String, _ bytes: [UInt8]) throws(FileError) {
        try perform("write", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("write", path)
            }
            content.bytes = bytes
            content.durable = bytes
        }
    }
}

private enum Entry {
    case file(FileContent)
    case directory(Directory)
}

private final class FileContent {
    var bytes: [UInt8] = []
    var durable: [UInt8] = []
}

private final class Directory {
    var entries: [String: Entry] = [:]
    var durable: [String: Entry] = [:]

    func directory(at path: String) throws(FileError) -> Directory {
        var directory = self
        for name in path.split(separator: "/") {
            guard case .directory(let next) = directory.entries[String(name)] else {
                throw FileError.missing("find", path)
            }
            directory = next
        }
        return directory
    }

    func parent(of path: String) throws(FileError) -> (Directory, String) {
        let parts = path.split(separator: "/").map(String.init)
        return (try directory(at: parts.dropLast().joined(separator: "/")), parts.last ?? "")
    }

    func forgetUnsynced() {
        entries = durable
        for entry in entries.values {
            switch entry {
            case .file(let content): content.bytes = content.durable
            case .directory(let directory): directory.forgetUnsynced()
            }
        }
    }
}

private final class OpenFile: WritableFile, ReadableFile {
    private let system: FaultyFileSystem
    private let path: String
    private let content: FileContent
    private var position = 0
    let byteCount: Int

    init(system: FaultyFileSystem, path: String, content: FileContent) {
        self.system = system
        self.path = path
        self.content = content
        byteCount = content.bytes.count
    }

    func write(_ bytes: RawSpan) throws(FileError) {
        try system.perform("write", path) { (_) throws(FileError) in
            for index in bytes.byteOffsets {
                content.bytes.append(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
        }
    }

    func sync() throws(FileError) {
        try system.perform("sync", path) { (_) throws(FileError) in
            content.durable = content.bytes
        }
    }

    func read(into buffer: inout [UInt8], maxCount: Int) throws(FileError) {
        let end = min(position + maxCount, content.bytes.count)
        buffer = Array(content.bytes[position..<end])
        position = end
    }
}

extension FileError {
    fileprivate static func missing(_ operation: String, _ path: String) -> FileError {
        FileError(operation: operation, path: path, reason: "no such file", isMissing: true)
    }
}
