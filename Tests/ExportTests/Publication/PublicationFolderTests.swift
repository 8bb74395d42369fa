import Export
import Foundation
import Snapshot
import Synchronization
import TestSupport
import Testing

@Suite("A publication folder")
struct PublicationFolderTests {
    private let space = try! TemporaryFolder()

    private func folder(_ name: String = "out", keep: Int = 3) throws -> PublicationFolder {
        let folder = PublicationFolder(directory: space.path(name), keep: keep)
        try folder.prepare()
        return folder
    }

    /// What `current` leads to, as a reader finds it; nil without it.
    private func generation(_ folder: PublicationFolder) throws -> Int? {
        let link = folder.directory + "/current"
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return nil
        }
        return try FakeExport.generation(in: folder.directory + "/" + target)
    }

    private func names(_ folder: PublicationFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.directory + "/versions").sorted()
    }

    @Test("leads to the newest version, and keeps the last ones")
    func publishing() throws {
        let folder = try folder("deep/out")
        #expect(try folder.current() == nil)
        for generation in 1...5 {
            let result = try folder.publish(generation)
            let current = try #require(try folder.current())
            #expect(result == .published(current))
            #expect(current.number == generation)
            #expect(try self.generation(folder) == generation)
        }
        #expect(try names(folder) == ["0000000003", "0000000004", "0000000005"])
        let link = folder.directory + "/current"
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: link)
                == "versions/0000000005"
        )
    }

    @Test("keeps what was published, and no trace, when a version cannot be written")
    func failedWrite() throws {
        struct Trouble: Error {}
        let folder = try folder()
        try folder.publish(1)
        #expect(throws: Trouble.self) {
            try folder.publish(replacing: folder.current()) { directory in
                try FakeExport.write(2, to: directory)
                throw Trouble()
            }
        }
        #expect(try generation(folder) == 1)
        #expect(try names(folder) == ["0000000001"])
        try folder.publish(3)
        #expect(try generation(folder) == 3)
    }

    @Test("is only taken if it is empty, or one already", arguments: ["notes.txt", "snapshots"])
    func foreignFolder(_ other: String) throws {
        let directory = space.path("out")
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        _ = try space.write("mine", to: "out/" + other)
        let error = #expect(throws: ExportError.self) { try folder() }
        #expect(error?.description.contains("\(directory) holds \(other)") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [other])
    }

    @Test("with something else among its versions, or at current, is refused and left alone")
    func foreignContent() throws {
        let folder = try folder()
        try folder.publish(1)
        for name in ["versions/1.2.3", "versions/.cache", "versions/.00000000x1"] {
            _ = try space.write("mine", to: "out/" + name)
            let error = #expect(throws: ExportError.self) { try folder.prepare() }
            #expect(error?.description.contains(name.dropFirst(9)) == true)
            #expect(!space.read("out/" + name).isEmpty)
            try FileManager.default.removeItem(atPath: space.path("out/" + name))
        }
        let link = folder.directory + "/current"
        try FileManager.default.removeItem(atPath: link)
        for destination in [
            "/etc", "../out/versions/0000000001", "versions/../versions/0000000001", "versions/1",
            "versions", "versions/0000000001/",
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: link,
                withDestinationPath: destination
            )
            let error = #expect(throws: ExportError.self) { try folder.publish(2) }
            #expect(error?.description.contains("leads to \(destination)") == true)
            #expect(throws: ExportError.self) { try folder.prepare() }
            try FileManager.default.removeItem(atPath: link)
        }
        _ = try space.write("mine", to: "out/current")
        #expect(throws: ExportError.self) { try folder.publish(2) }
        #expect(space.read("out/current") == Data("mine".utf8))
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createDirectory(
            atPath: folder.directory + "/.current/deep",
            withIntermediateDirectories: true
        )
        #expect(throws: ExportError.self) { try folder.publish(2) }
        #expect(FileManager.default.fileExists(atPath: folder.directory + "/.current/deep"))
        #expect(try names(folder) == ["0000000001"])
    }

    @Test("at a file, or below one, is an error that says so")
    func file() throws {
        let path = try space.write("a file", to: "out")
        let error = #expect(throws: ExportError.self) { try folder() }
        #expect(error?.description.contains("\(path): it is a file") == true)
        #expect(throws: ExportError.self) { try folder("out/below") }
    }

    @Test("removes what killed publishers left, and nothing that is being written")
    func leftovers() throws {
        let folder = try folder()
        try folder.publish(1)
        for name in [".0000000007", ".removed-0000000000"] {
            try FakeExport.write(7, to: try directory(folder, name))
        }
        let other = PublicationFolder(directory: folder.directory)
        _ = try folder.publish(replacing: folder.current()) { directory in
            #expect(directory.hasSuffix("/.0000000008"))
            try FakeExport.write(8, to: directory)
            // Another publisher starts and publishes meanwhile.
            try other.prepare()
            try other.publish(9)
            #expect(FileManager.default.fileExists(atPath: directory + "/export.json"))
        }
        #expect(try generation(folder) == 9)
        #expect(try names(folder) == ["0000000001", "0000000009"])
        // One that starts has it removed, though it may have nothing to publish.
        try FakeExport.write(7, to: try directory(folder, ".0000000007"))
        try folder.prepare()
        #expect(try names(folder) == ["0000000001", "0000000009"])
    }

    private func directory(_ folder: PublicationFolder, _ name: String) throws -> String {
        let path = folder.directory + "/versions/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test("gives up what was begun before another publisher was faster")
    func superseded() throws {
        let folder = try folder()
        try folder.publish(1)
        let result = try folder.publish(replacing: folder.current()) { directory in
            try FakeExport.write(2, to: directory)
            try PublicationFolder(directory: folder.directory).publish(3)
        }
        #expect(result == .superseded)
        #expect(try generation(folder) == 3)
        let first = try #require(try folder.all().first)
        #expect(
            try folder.publish(replacing: first) { try FakeExport.write(4, to: $0) } == .superseded
        )
        #expect(try names(folder) == ["0000000001", "0000000003"])
    }

    @Test("shared by two publishers at once only ever goes forward")
    func twoPublishers() throws {
        let directory = try folder().directory
        let counts = Mutex((published: 0, superseded: 0))
        DispatchQueue.concurrentPerform(iterations: 2) { publisher in
            let folder = PublicationFolder(directory: directory, keep: 4)
            for index in 0..<30 {
                do {
                    let before = try folder.current()
                    let result = try folder.publish(replacing: before) {
                        try FakeExport.write(publisher * 100 + index, to: $0)
                    }
                    counts.withLock {
                        if case .published(let version) = result {
                            $0.published += 1
                            #expect(version.number > before?.number ?? 0)
                        } else {
                            $0.superseded += 1
                        }
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
        let (published, superseded) = counts.withLock { $0 }
        #expect(published + superseded == 60 && published >= 30)
        let folder = PublicationFolder(directory: directory)
        let last = try #require(try folder.current())
        #expect(try folder.all().last == last)
        #expect(try names(folder).allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("read by another process's way while versions come is whole at every instant")
    func concurrentReader() throws {
        let folder = try folder()
        try folder.publish(1)
        let isDone = Atomic(false)
        let reads = Atomic(0)
        let readers = DispatchGroup()
        // Threads of their own: a loaded machine's pool may run one after the other.
        for _ in 0..<2 {
            readers.enter()
            Thread.detachNewThread {
                defer { readers.leave() }
                var last = 0
                while !isDone.load(ordering: .acquiring) {
                    readOnce(folder, last: &last)
                    reads.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        var generation = 1
        while generation < 51 || reads.load(ordering: .relaxed) < 50 {
            generation += 1
            do { try folder.publish(generation) } catch { Issue.record("\(error)") }
        }
        isDone.store(true, ordering: .releasing)
        let isOver = readers.wait(timeout: .now() + 120) == .success
        try #require(isOver, "the readers do not end")
        #expect(try self.generation(folder) == generation)
    }

    /// Reads what is published, which must be whole, and not older than what was read last.
    private func readOnce(_ folder: PublicationFolder, last: inout Int) {
        do {
            let version = try #require(try folder.current())
            #expect(version.number >= last, "it went back")
            last = version.number
            do {
                #expect(try FakeExport.generation(in: version.directory) == last)
            } catch {
                // A version goes when so many newer ones are there.
                let newest = try #require(try folder.current()).number
                #expect(newest >= last + 3, "\(version.name) is not whole: \(error)")
            }
        } catch { Issue.record("\(error)") }
    }
}

@Suite("A rollback")
struct RollbackTests {
    private let space = try! TemporaryFolder()

    private func folder(keep: Int = 3, versions: Int = 3) throws -> PublicationFolder {
        let folder = PublicationFolder(directory: space.path("out"), keep: keep)
        try folder.prepare()
        for generation in 1..<versions + 1 { try folder.publish(generation) }
        return folder
    }

    @Test("goes to the version before, and holds until it is released")
    func hold() throws {
        let folder = try folder()
        let rollback = try folder.rollback(to: nil, since: "then")
        #expect(rollback.from.number == 3 && rollback.to.number == 2)
        #expect(try folder.current()?.number == 2)
        let hold = try #require(try folder.hold())
        #expect(hold == rollback.hold)
        #expect(hold.since == "then" && hold.withdrawn == ["0000000003"])
        #expect(try folder.publish(4) == .held(hold))
        #expect(try folder.current()?.number == 2)
        let withdrawn = try folder.withdrawn()
        #expect(withdrawn.map(\.number) == [3] && withdrawn.map(\.model) == ["model-3"])

        #expect(try folder.release() == hold)
        #expect(try folder.release() == nil)
        try folder.publish(4)
        #expect(try folder.current()?.number == 4)
        // What was withdrawn is no version to go back to.
        #expect(try folder.rollback(to: nil, since: "later").to.number == 2)
    }

    @Test("to a version in particular withdraws all that came after it")
    func target() throws {
        let folder = try folder(keep: 5, versions: 5)
        let rollback = try folder.rollback(to: 2, since: "then")
        #expect(rollback.hold.withdrawn == ["0000000003", "0000000004", "0000000005"])
        #expect(try folder.current()?.number == 2)
        // Forward again: it is good after all.
        let forward = try folder.rollback(to: 4, since: "later")
        #expect(forward.hold.withdrawn == [])
        #expect(try folder.withdrawn().map(\.number) == [3, 5])
        #expect(try folder.rollback(to: nil, since: "last").to.number == 2)
        #expect(try folder.withdrawn().map(\.number) == [3, 4, 5])
        _ = try folder.release()
        try folder.publish(6)
        #expect(try folder.current()?.number == 6)
    }

    @Test("keeps the version that it leads to, however few are kept, and numbers grow")
    func kept() throws {
        let folder = try folder(keep: 2, versions: 2)
        for round in 0..<3 {
            _ = try folder.rollback(to: nil, since: "then")
            #expect(try folder.current()?.number == 1)
            _ = try folder.release()
            try folder.publish(10 + round)
            #expect(try folder.current()?.number == 3 + round)
            #expect(try folder.all().first?.number == 1)
        }
    }

    @Test("happens or does not: a damaged version, none before, none published")
    func refusals() throws {
        let empty = try folder(versions: 0)
        #expect(throws: ExportError("nothing is published in \(empty.directory)")) {
            try empty.rollback(to: nil, since: "")
        }
        try empty.publish(1)
        var error = #expect(throws: ExportError.self) { try empty.rollback(to: nil, since: "") }
        #expect(error?.description.contains("no version before 0000000001") == true)
        try empty.publish(2)
        for number in [0, -1, 7, 2] {
            #expect(throws: ExportError.self) { try empty.rollback(to: number, since: "") }
        }
        _ = try space.write("flipped", to: "out/versions/0000000001/model.onnx")
        error = #expect(throws: ExportError.self) { try empty.rollback(to: nil, since: "") }
        #expect(error?.description.contains("0000000001/model.onnx is damaged") == true)
        #expect(try empty.current()?.number == 2)
        #expect(try empty.hold() == nil)
        let nowhere = PublicationFolder(directory: space.path("nowhere"))
        #expect(throws: ExportError.self) { try nowhere.rollback(to: nil, since: "") }
        #expect(throws: ExportError.self) { try nowhere.release() }
        #expect(!FileManager.default.fileExists(atPath: nowhere.directory))
    }

    @Test("made by hand holds, too, and what is unreadable is told")
    func byHand() throws {
        let folder = try folder(versions: 1)
        _ = try space.write("", to: "out/HOLD")
        #expect(try folder.hold() != nil)
        guard case .held = try folder.publish(2) else {
            Issue.record("published")
            return
        }
        #expect(try folder.release() != nil)
        _ = try space.write("what?", to: "out/WITHDRAWN")
        let error = #expect(throws: ExportError.self) { try folder.publish(2) }
        #expect(error?.description.contains("WITHDRAWN has a line") == true)
    }
}
