import Glibc

/// The operating system's files.
public struct DiskFileSystem: FileSystem {
    public init() {}

    public func makeDirectory(_ path: String) throws(FileError) {
        if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let code = errno
        let parent = path.split(separator: "/").dropLast()
        guard code == ENOENT, !parent.isEmpty else {
            throw FileError("create directory", path, code: code)
        }
        try makeDirectory((path.hasPrefix("/") ? "/" : "") + parent.joined(separator: "/"))
        if unsafe mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw FileError("create directory", path)
        }
    }

    public func create(_ path: String) throws(FileError) -> any WritableFile {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError("create", path) }
        return DiskFile(descriptor: descriptor, path: path, byteCount: 0)
    }

    public func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open directory", path) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw FileError("sync directory", path) }
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        if unsafe Glibc.rename(path, newPath) != 0 { throw FileError("rename", path) }
    }

    public func remove(_ path: String) throws(FileError) {
        if unsafe unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw FileError("remove", path) }
        for name in try list(path) { try remove(path + "/" + name) }
        if unsafe rmdir(path) != 0 && errno != ENOENT { throw FileError("remove directory", path) }
    }

    public func list(_ directory: String) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw FileError("list", directory) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    public func open(_ path: String) throws(FileError) -> any ReadableFile {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let error = FileError("examine", path)
            close(descriptor)
            throw error
        }
        return DiskFile(descriptor: descriptor, path: path, byteCount: Int(status.st_size))
    }

    public func kind(of path: String) throws(FileError) -> FileKind? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileError("examine", path)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFLNK: break
        default: return .other
        }
        var count = 0
        let target = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { space, filled in
            count = unsafe space.withMemoryRebound(to: CChar.self) {
                unsafe readlink(path, $0.baseAddress!, $0.count)
            }
            filled = max(count, 0)
        }
        guard count >= 0 else { throw FileError("read link", path) }
        return .link(to: String(decoding: target, as: UTF8.self))
    }

    public func makeLink(_ path: String, to destination: String) throws(FileError) {
        if unsafe symlink(destination, path) != 0 { throw FileError("create link", path) }
    }

    public func lock(_ path: String, waits: Bool) throws(FileError) -> (any FileLock)? {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError("open", path) }
        let operation = waits ? LOCK_EX : LOCK_EX | LOCK_NB
        while flock(descriptor, operation) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            if code == EWOULDBLOCK { return nil }
            throw FileError("lock", path, code: code)
        }
        return DiskLock(descriptor: descriptor)
    }
}

private final class DiskLock: FileLock {
    private let descriptor: CInt

    init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

/// One open file descriptor.
private final class DiskFile: WritableFile, ReadableFile {
    private let descriptor: CInt
    private let path: String
    let byteCount: Int

    init(descriptor: CInt, path: String, byteCount: Int) {
        self.descriptor = descriptor
        self.path = path
        self.byteCount = byteCount
    }

    deinit { close(descriptor) }

    func write(_ bytes: RawSpan) throws(FileError) {
        var written = 0
        while written < bytes.byteCount {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError("write", path) }
            written += count
        }
    }

    func sync() throws(FileError) {
        if fsync(descriptor) != 0 { throw FileError("sync", path) }
    }

    func read(into buffer: inout [UInt8], maxCount: Int) throws(FileError) {
        var count = -1
        buffer = unsafe [UInt8](unsafeUninitializedCapacity: maxCount) { space, filled in
            repeat {
                count = unsafe Glibc.read(descriptor, space.baseAddress, maxCount)
            } while count < 0 && errno == EINTR
            filled = max(count, 0)
        }
        if count < 0 { throw FileError("read", path) }
    }
}

extension FileError {
    fileprivate init(_ operation: String, _ path: String, code: CInt = errno) {
        self.init(
            operation: operation,
            path: path,
            reason: unsafe String(cString: strerror(code)),
            isMissing: code == ENOENT
        )
    }
}
