import Glibc

/// A file that grows beside the state, line by line: trained examples, quarantined records. A
/// snapshot notes its length, and a resume cuts it back to that, so that no line stands twice.
///
/// Lines gather in a buffer, which a failed write leaves as it was: the same bytes are written again,
/// at the same place, when it is flushed next.
final class SideFile {
    let path: String
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var written: Int64
    /// Bytes that are durable: what a snapshot may count on.
    private(set) var synced: Int64

    /// Bytes in the file once the buffer is flushed.
    var length: Int64 { written + Int64(buffer.count) }
    /// Bytes that are not in the file yet.
    var bufferedByteCount: Int { buffer.count }

    /// Opens the file and cuts it to `length` bytes.
    /// - Throws: `PipelineError` naming the file: it cannot be opened, or is shorter than it was.
    init(path: String, length: Int64) throws(PipelineError) {
        self.path = path
        written = length
        synced = length
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        let present = Int64(lseek(descriptor, 0, SEEK_END))
        guard present >= 0 else {
            close(descriptor)
            throw PipelineError("\(path) is a pipe or a device, which a resume cannot cut back")
        }
        guard length >= 0, present >= length else {
            close(descriptor)
            throw PipelineError(
                "\(path) has \(present) bytes where the snapshot counts \(length): "
                    + "put the file back, or start with a new state directory"
            )
        }
        guard present == length || ftruncate(descriptor, off_t(length)) == 0 else {
            let error = Self.failure("truncate", path)
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Adds a line to the buffer; nothing is written before a `flush`.
    func append(line: some Collection<UInt8>) {
        buffer.append(contentsOf: line)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// Writes the buffer. If that fails, what came through of it is not part of the file's `length`,
    /// and is written over the next time.
    func flush() throws(PipelineError) {
        var start = 0
        while start < buffer.count {
            let count = unsafe buffer.withUnsafeBytes {
                unsafe pwrite(
                    descriptor,
                    $0.baseAddress! + start,
                    $0.count - start,
                    off_t(written) + off_t(start)
                )
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

    /// Whether the file, as far as it has been written, ends in this line.
    func endsInLine(_ line: [UInt8]) -> Bool {
        var tail = [UInt8](repeating: 0, count: line.count + 1)
        let start = written - Int64(tail.count)
        guard start >= 0 else { return false }
        let count = unsafe tail.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(start))
        }
        return count == tail.count && tail == line + [UInt8(ascii: "\n")]
    }

    private static func failure(_ operation: String, _ path: String) -> PipelineError {
        PipelineError("\(operation) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
