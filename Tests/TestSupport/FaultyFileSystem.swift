public import Snapshot

/// A file system in memory that fails, or loses what was not synced, at a chosen operation.
///
/// Like a disk with a write cache: a file's content is durable once the file is synced, a directory's
/// entries once the directory is. Each test drives its own from one thread, hence unchecked.
public final class FaultyFileSystem: FileSystem, @unchecked Sendable {
    public enum Fault: Equatable, Sendable {
        case none
        /// The operation with this index reports an error; later ones work.
        case fail(at: Int)
        /// As `fail`, but a write has written half of its bytes by then (a disk that is full).
        case shortWrite(at: Int)
        /// The power goes before the operation with this index: it and all later ones report an
        /// error, until `restart`.
        case powerLoss(at: Int)
    }

    private let root = Directory()
    private var fault = Fault.none
    /// Operations so far that a fault can hit.
    public private(set) var operations = 0

    public init() {}

    public func inject(_ fault: Fault) {
        self.fault = fault
        operations = 0
    }

    /// Comes back after a power loss.
    /// - Parameter keepingUnsynced: Whether the cache happened to reach the disk.
    public func restart(keepingUnsynced: Bool) {
        fault = .none
        if !keepingUnsynced { root.restore { _ in false } }
    }

    /// Comes back after a power loss at which any part of the cache had reached the disk: some of the
    /// directories' entries, some of the files' bytes.
    public func restartTorn(seed: UInt64) {
        fault = .none
        var random = seed
        root.restore { bound in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % UInt64(bound + 1)) > 0
        }
    }

    fileprivate func perform<Result>(
        _ operation: String,
        _ path: String,
        partially: () -> Void = {},
        _ body: (Directory) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        let index = operations
        operations += 1
        switch fault {
        case .fail(at: index):
            throw FileError(operation: operation, path: path, reason: "injected fault")
        case .shortWrite(at: index):
            partially()
            throw FileError(operation: operation, path: path, reason: "no room")
        case .powerLoss(let at) where index >= at:
            throw FileError(operation: operation, path: path, reason: "no power")
        default:
            return try body(root)
        }
    }

    public func makeDirectory(_ path: String) throws(FileError) {
        try perform("create directory", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            if parent.entries[name] == nil { parent.entries[name] = .directory(Directory()) }
        }
    }

    public func create(_ path: String) throws(FileError) -> any WritableFile {
        try perform("create", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            let content = FileContent()
            parent.entries[name] = .file(content)
            return OpenFile(system: self, path: path, content: content)
        }
    }

    public func syncDirectory(_ path: String) throws(FileError) {
        try perform("sync directory", path) { (root) throws(FileError) in
            let directory = try root.directory(at: path)
            directory.durable = directory.entries
        }
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        try perform("rename", path) { (root) throws(FileError) in
            let (oldParent, oldName) = try root.parent(of: path)
            let (newParent, newName) = try root.parent(of: newPath)
            if case .directory(let directory) = newParent.entries[newName],
                !directory.entries.isEmpty
            {
                throw FileError(operation: "rename", path: path, reason: "directory not empty")
            }
            guard let entry = oldParent.entries.removeValue(forKey: oldName) else {
                throw FileError.missing("rename", path)
            }
            newParent.entries[newName] = entry
        }
    }

    public func remove(_ path: String) throws(FileError) {
        try perform("remove", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            parent.entries[name] = nil
        }
    }

    public func list(_ directory: String) throws(FileError) -> [String] {
        try perform("list", directory) { (root) throws(FileError) in
            try root.directory(at: directory).entries.keys.sorted()
        }
    }

    public func open(_ path: String) throws(FileError) -> any ReadableFile {
        try perform("open", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("open", path)
            }
            return OpenFile(system: self, path: path, content: content)
        }
    }

    /// The bytes of a file, for tests that alter them.
    public func bytes(of path: String) throws(FileError) -> [UInt8] {
        try perform("read", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("read", path)
            }
            return content.bytes
        }
    }

    /// Replaces the bytes of a file behind the program's back.
    public func overwrite(_ path: String, _ bytes: [UInt8]) throws(FileError) {
        try perform("write", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard case .file(let content) = parent.entries[name] else {
                throw FileError.missing("write", path)
            }
            content.bytes = bytes
            content.durable = bytes
        }
    }

    public func kind(of path: String) throws(FileError) -> FileKind? {
        try perform("examine", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            switch parent.entries[name] {
            case .file: return .file
            case .directory: return .directory
            case .link(let destination): return .link(to: destination)
            case nil: return nil
            }
        }
    }

    public func makeLink(_ path: String, to destination: String) throws(FileError) {
        try perform("create link", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            guard parent.entries[name] == nil else {
                throw FileError(operation: "create link", path: path, reason: "file exists")
            }
            parent.entries[name] = .link(to: destination)
        }
    }

    /// There is nobody else in memory: only creating the file can fail.
    public func lock(_ path: String, waits: Bool) throws(FileError) -> (any FileLock)? {
        try perform("lock", path) { (root) throws(FileError) in
            let (parent, name) = try root.parent(of: path)
            if parent.entries[name] == nil { parent.entries[name] = .file(FileContent()) }
            return MemoryLock()
        }
    }
}

private final class MemoryLock: FileLock {}

private enum Entry {
    case file(FileContent)
    case directory(Directory)
    case link(to: String)
}

private final class FileContent {
    var bytes: [UInt8] = []
    var durable: [UInt8] = []

    func restore(_ hasReachedDisk: (_ bound: Int) -> Bool) {
        var kept = durable.count
        let quarter = (bytes.count - kept + 3) / 4
        while kept < bytes.count && hasReachedDisk(3) { kept += max(quarter, 1) }
        bytes = kept == durable.count ? durable : Array(bytes.prefix(kept))
        durable = bytes
    }
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

    /// Becomes what a disk shows after a power loss.
    /// - Parameter hasReachedDisk: Asked for each change that was not synced; of the bytes of a file
    ///   for each further quarter of them.
    func restore(_ hasReachedDisk: (_ bound: Int) -> Bool) {
        for name in Set(entries.keys).union(durable.keys).sorted()
        where !hasReachedDisk(1) { entries[name] = durable[name] }
        durable = entries
        for name in entries.keys.sorted() {
            switch entries[name]! {
            case .file(let content): content.restore(hasReachedDisk)
            case .directory(let directory): directory.restore(hasReachedDisk)
            case .link: break
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
        func append(_ count: Int) {
            for index in 0..<count {
                content.bytes.append(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
        }
        try system.perform(
            "write",
            path,
            partially: { append(bytes.byteCount / 2) },
            { (_) throws(FileError) in append(bytes.byteCount) }
        )
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
