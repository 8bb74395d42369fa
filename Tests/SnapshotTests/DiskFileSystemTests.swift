import Foundation
import Snapshot
import Testing

@Suite struct DiskFileSystemTests {
    let directory = FileManager.default.temporaryDirectory.path + "/freshet-" + UUID().uuidString

    private struct Text: Codable, Equatable, Sendable { var text: String }

    @Test("snapshots live on a real disk")
    func realFiles() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try SnapshotStore(directory: directory + "/deep/state")
        try store.write(
            name: "0000000001",
            sections: [
                Section(name: "big", content: .bytes([UInt8](repeating: 7, count: 1 << 20)))
            ],
            manifest: Text(text: "ä")
        )
        let manifest = try store.manifest(of: "0000000001", as: Text.self)
        #expect(manifest.body == Text(text: "ä"))
        #expect(try store.section("big", of: "0000000001", files: manifest.files).count == 1 << 20)
        try store.remove("0000000001")
        #expect(try store.names() == [])
        #expect(throws: SnapshotError.self) {
            try store.manifest(of: "0000000001", as: Text.self)
        }
    }

    @Test("a second holder of a state directory is told who has it")
    func lock() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let lock = try StateLock(directory: directory)
        let error = #expect(throws: SnapshotError.self) { try StateLock(directory: directory) }
        #expect(error?.description.contains("process \(getpid())") == true)
        withExtendedLifetime(lock) {}
    }
}
