import Glibc

/// One daemon per state directory: an advisory lock on `<state>/LOCK`, which also names the holder.
/// The system releases it when the process ends, however it ends.
public final class StateLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `SnapshotError` naming the process that has the directory already.
    public init(directory: String) throws(SnapshotError) {
        let path = directory + "/LOCK"
        do throws(FileError) {
            try DiskFileSystem().makeDirectory(directory)
        } catch { throw .file(error) }
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .file(
                FileError(
                    operation: "open",
                    path: path,
                    reason: unsafe String(cString: strerror(errno))
                )
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw .file(
                FileError(
                    operation: "lock",
                    path: path,
                    reason: "the state directory is in use by process \(holder)"
                )
            )
        }
        _ = ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { close(descriptor) }

    private static func holder(_ descriptor: CInt) -> String {
        var text = [UInt8](repeating: 0, count: 20)
        let count = unsafe text.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        let digits = text.prefix(max(count, 0)).prefix { $0 != UInt8(ascii: "\n") }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }
}
