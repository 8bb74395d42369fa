internal import Glibc

/// An open file that is read from start to end.
struct FileDescriptor: ~Copyable {
    private let descriptor: Int32
    /// Its size when it was opened, bytes.
    let byteCount: Int

    init(reading path: String) throws(SourceError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        try self.init(owning: descriptor, path)
    }

    /// A descriptor that somebody else keeps open, too.
    init(duplicating other: Int32, name: String) throws(SourceError) {
        try self.init(owning: fcntl(other, F_DUPFD_CLOEXEC, 0), name)
    }

    /// - Parameter descriptor: negative where it could not be opened.
    private init(owning descriptor: Int32, _ path: String) throws(SourceError) {
        if descriptor < 0 { throw .system("cannot open \(path)") }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let error = SourceError.system("cannot open \(path)")
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Reads the next bytes into the start of `buffer`; returns how many, 0 at the end of the file.
    func read(into buffer: inout [UInt8], path: String) throws(SourceError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 { return count }
            if errno != EINTR { throw .system("cannot read \(path)") }
        }
    }
}

/// The names in a folder, in no order.
func namesInFolder(_ path: String) throws(SourceError) -> [String] {
    guard let folder = unsafe opendir(path) else { throw .system("cannot read the folder \(path)") }
    defer { unsafe _ = closedir(folder) }
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = unsafe readdir(folder) else { break }
        // The name is an array of C characters at the entry's end.
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(validatingCString: $0)
            }
        }
        // A name that is not UTF-8 is none of ours.
        if let name { names.append(name) }
    }
    if errno != 0 { throw .system("cannot read the folder \(path)") }
    return names
}

extension SourceError {
    /// What could not be done, and the system's reason.
    static func system(_ what: String) -> SourceError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) }
        return SourceError("\(what): \(reason ?? "unknown error")")
    }
}
