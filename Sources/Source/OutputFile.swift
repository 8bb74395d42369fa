internal import Glibc

/// A file that is written to, opened anew for every operation, so that a thousand of them need no
/// thousand descriptors.
struct OutputFile {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Creates the file if there is none, and cuts off what lies behind `length`.
    /// - Throws: when it is shorter than that.
    func truncate(to length: Int64) throws(SourceError) {
        try with(O_WRONLY | O_CREAT) { (descriptor) throws(SourceError) in
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else {
                throw .system("cannot open \(path)")
            }
            guard status.st_size >= length else {
                throw SourceError(
                    "\(path): \(status.st_size) bytes long, but \(length) were recorded; bring it "
                        + "back, or record into a new folder"
                )
            }
            if ftruncate(descriptor, Int(length)) != 0 { throw .system("cannot write \(path)") }
        }
    }

    func append(_ bytes: [UInt8]) throws(SourceError) {
        try with(O_WRONLY | O_APPEND) { (descriptor) throws(SourceError) in
            try write(bytes, to: descriptor)
        }
    }

    /// Makes everything written so far durable.
    func sync() throws(SourceError) {
        try with(O_RDONLY) { (descriptor) throws(SourceError) in
            if fsync(descriptor) != 0 { throw .system("cannot sync \(path)") }
        }
    }

    /// Replaces the content at once: after a crash it is the old or the new one, and durable.
    func replace(with bytes: [UInt8]) throws(SourceError) {
        let new = OutputFile(path + ".new")
        try new.with(O_WRONLY | O_CREAT | O_TRUNC) { (descriptor) throws(SourceError) in
            try new.write(bytes, to: descriptor)
            if fsync(descriptor) != 0 { throw .system("cannot sync \(new.path)") }
        }
        if unsafe rename(new.path, path) != 0 { throw .system("cannot rename \(new.path)") }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try OutputFile(folder).sync()
    }

    private func with(
        _ flags: Int32,
        _ body: (Int32) throws(SourceError) -> Void
    ) throws(SourceError) {
        let descriptor = unsafe open(path, flags | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw .system("cannot open \(path)") }
        defer { close(descriptor) }
        try body(descriptor)
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(SourceError) {
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                start += count
            } else if errno != EINTR {
                throw .system("cannot write \(path)")
            }
        }
    }
}
