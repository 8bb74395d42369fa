import Foundation
import Glibc
import TestSupport
import Testing

/// Whether this process may mount a file system.
let mayMount: Bool = {
    guard let folder = try? TemporaryFolder() else { return false }
    guard unsafe mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
    return unsafe umount2(folder.path, CInt(MNT_DETACH)) == 0
}()

/// A small file system in memory, at a folder of its own.
final class SmallDisk {
    let path: String

    init(_ path: String, bytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true
        )
        let result = unsafe mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)")
        try #require(result == 0, "\(errno)")
    }

    deinit { unsafe umount2(path, CInt(MNT_DETACH)) }

    /// Changes the size, or whether it can be written to.
    func remount(bytes: Int, isReadOnly: Bool = false) {
        let flags = UInt(MS_REMOUNT | (isReadOnly ? MS_RDONLY : 0))
        #expect(unsafe mount("tmpfs", path, "tmpfs", flags, "size=\(bytes)") == 0)
    }
}
