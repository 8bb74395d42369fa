import Glibc

/// A file that grows beside the state, line by line: trained examples, quarantined records. A
/// snapshot notes its length, and a resume cuts it back to that, so that no line stands twice.
final class SideFile {
    let path: String
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var written: Int64
    private var synced: Int64

    /// Bytes in the file once the buffer is flushed.
    var length: Int64 { written + Int64(buffer.count) }

    /// Opens the file and cuts it to `length` bytes.
    /// - Throws: `PipelineError` naming the file: it cannot be opened, or is shorter than it was.
    init(path: String, length: Int64) throws(PipelineError) {
        self.path = path
        written = length
        synced = length
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        let present = Int64(lseek(descriptor, 0, SEEK_END))
        guard present >= length else {
            close(descriptor)
            throw PipelineError(
                "\(path) has \(present) bytes where the snapshot counts \(length): "
                    + "put the file back, or start with a new state directory"
            )
        }
        guard ftruncate(descriptor, off_t(length)) == 0,
            lseek(descriptor, off_t(length), SEEK_SET) == off_t(length)
        else {
            let error = Self.failure("truncate", path)
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    func append(line: some Collection<UInt8>) throws(PipelineError) {
        buffer.append(contentsOf: line)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= 1 << 16 { try flush() }
    }

    func flush() throws(PipelineError) {
        var start = 0
        while start < buffer.count {
            let count = unsafe buffer.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress! + start, $0.count - start)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("write", path) }
            start += count
        }
        written += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes everything appended durable.
    func sync() throws(PipelineError) {
        try flush()
        guard synced < written else { return }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.failure("sync", path) }
        synced = written
    }

    private static func failure(_ operation: String, _ path: String) -> PipelineError {
        PipelineError("\(operation) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
