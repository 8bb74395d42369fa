/// The snapshots of one state directory.
///
/// ```
/// <state>/CURRENT                        the name of the newest good snapshot
/// <state>/snapshots/0000000042/          one snapshot
///     manifest.json                      what it is; sizes and checksums of the others
///     parameters.lz4 …                   its sections
/// <state>/snapshots/.0000000043          one being written, or removed: ignored and cleaned up
/// ```
///
/// A snapshot exists once its directory has been renamed from its temporary name, which happens after
/// every file in it is durable; it counts once `CURRENT` names it.
public struct SnapshotStore: Sendable {
    public let directory: String
    private let files: any FileSystem

    private var snapshots: String { directory + "/snapshots" }
    private var currentFile: String { directory + "/CURRENT" }

    /// Opens a state directory for writing, creating it if there is none, and removes what an
    /// interrupted write or removal left.
    public init(directory: String, files: any FileSystem = DiskFileSystem()) throws(SnapshotError) {
        self.init(reading: directory, files: files)
        do throws(FileError) {
            try files.makeDirectory(directory)
            try files.makeDirectory(snapshots)
            try files.syncDirectory(directory)
            files.syncParent(of: directory)
            for name in try files.list(snapshots) where name.hasPrefix(".") {
                try files.remove(snapshots + "/" + name)
            }
        } catch { throw .file(error) }
    }

    /// Looks at a state directory without changing anything.
    public init(reading directory: String, files: any FileSystem = DiskFileSystem()) {
        self.directory = directory
        self.files = files
    }

    /// The names of all snapshots, oldest first.
    public func names() throws(SnapshotError) -> [String] {
        do throws(FileError) {
            return try files.list(snapshots).filter(Self.isName)
        } catch {
            if error.isMissing { return [] }
            throw .file(error)
        }
    }

    /// A number, zero-padded to ten digits.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count == 10
            && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The name in `CURRENT`, if there is one.
    /// - Throws: `SnapshotError.damaged` if what it holds is no name.
    public func current() throws(SnapshotError) -> String? {
        var text: [UInt8] = []
        do throws(FileError) {
            // A name is shorter; what is beyond these bytes shows that it is none.
            try files.open(currentFile).read(into: &text, maxCount: 64)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
        let name = String(decoding: text.dropLast(), as: UTF8.self)
        guard text.last == UInt8(ascii: "\n"), Self.isName(name) else {
            throw .damaged(path: currentFile, reason: "does not hold the name of a snapshot")
        }
        return name
    }

    /// The snapshots to try on a resume: the one in `CURRENT`, then older ones, newest first. Without
    /// `CURRENT` (a crash before the first was announced), all; also if it is damaged.
    ///
    /// - Parameter warn: Told of a `CURRENT` that is damaged, and of snapshots that it passes over.
    public func candidates(
        warn: (SnapshotError) -> Void = { _ in }
    ) throws(SnapshotError) -> [String] {
        let all = Array(try names().reversed())
        do throws(SnapshotError) {
            guard let current = try current() else { return all }
            guard all.contains(current) else {
                throw SnapshotError.damaged(
                    path: currentFile,
                    reason: "names \(current), which is not there"
                )
            }
            if let newer = all.first, newer > current {
                warn(
                    .damaged(
                        path: currentFile,
                        reason: "names \(current), so the newer \(newer) is not used"
                    )
                )
            }
            return all.filter { $0 <= current }
        } catch {
            guard case .damaged = error else { throw error }
            warn(error)
            return all
        }
    }

    /// The name that the next snapshot gets: a number, zero-padded so that names sort by age.
    public func nextName() throws(SnapshotError) -> String {
        let last = try names().last.flatMap { Int($0) } ?? 0
        return Self.name(number: String(last + 1))
    }

    /// The name of a snapshot whose number is given without leading zeros, or with them.
    public static func name(number: String) -> String {
        String(repeating: "0", count: max(0, 10 - number.count)) + number
    }

    /// Writes a snapshot, all of it or nothing, and makes it current.
    public func write<Body: Codable & Sendable>(
        name: String,
        sections: [Section],
        manifest body: Body
    ) throws(SnapshotError) {
        let temporary = snapshots + "/." + name
        do {
            try files.makeDirectory(temporary)
            let sectionFile = SectionFile(files: files, directory: temporary)
            var entries: [FileEntry] = []
            for section in sections { entries.append(try sectionFile.write(section)) }
            let text = try ManifestText.encode(Manifest(files: entries, body: body))
            try writeDurably(text, to: temporary + "/manifest.json")
            try files.syncDirectory(temporary)
            try files.rename(temporary, to: snapshots + "/" + name)
            try files.syncDirectory(snapshots)
            try announce(name)
        } catch let error {
            try? files.remove(temporary)
            switch error {
            case let error as SnapshotError: throw error
            case let error as FileError: throw .file(error)
            default: throw .damaged(path: temporary, reason: "cannot be written: \(error)")
            }
        }
    }

    /// Makes `CURRENT` name a snapshot.
    private func announce(_ name: String) throws(FileError) {
        try writeDurably(Array((name + "\n").utf8), to: currentFile + ".new")
        try files.rename(currentFile + ".new", to: currentFile)
        try files.syncDirectory(directory)
    }

    private func writeDurably(_ bytes: [UInt8], to path: String) throws(FileError) {
        let file = try files.create(path)
        try unsafe file.write(bytes.span.bytes)
        try file.sync()
    }

    /// Reads a snapshot's manifest.
    public func manifest<Body: Codable & Sendable>(
        of name: String,
        as type: Body.Type
    ) throws(SnapshotError) -> Manifest<Body> {
        let path = snapshots + "/" + name + "/manifest.json"
        let text: [UInt8]
        do throws(FileError) {
            text = try files.readAll(path, maxCount: manifestBytesMax)
        } catch {
            throw error.isMissing ? .missing(path: snapshots + "/" + name) : .file(error)
        }
        do {
            let version = try ManifestText.decode(FormatVersion.self, from: text).formatVersion
            guard readableFormatVersions.contains(version) else {
                throw SnapshotError.unsupportedVersion(path: path, version: version)
            }
            let manifest = try ManifestText.decode(Manifest<Body>.self, from: text)
            for (index, entry) in manifest.files.enumerated() {
                guard entry.isPossible,
                    !manifest.files[..<index].contains(where: { $0.name == entry.name })
                else { throw ManifestDamage(reason: "describes an impossible file \(index)") }
            }
            return manifest
        } catch let error as SnapshotError {
            throw error
        } catch let error as ManifestDamage {
            throw .damaged(path: path, reason: error.reason)
        } catch {
            throw .damaged(path: path, reason: "is not a manifest (\(error))")
        }
    }

    /// Looks whether a snapshot's files are there and as long as its manifest says, without reading them.
    public func checkSizes(of name: String, files entries: [FileEntry]) throws(SnapshotError) {
        for entry in entries {
            let path = snapshots + "/" + name + "/" + entry.name
            let bytes: Int
            do throws(FileError) {
                bytes = try files.open(path).byteCount
            } catch { throw .file(error) }
            guard bytes == entry.bytes else {
                throw .damaged(
                    path: path,
                    reason: "has \(bytes) bytes, the manifest says \(entry.bytes)"
                )
            }
        }
    }

    /// Reads and verifies one section of a snapshot.
    public func section(
        _ section: String,
        of name: String,
        files entries: [FileEntry]
    ) throws(SnapshotError) -> [UInt8] {
        let directory = snapshots + "/" + name
        guard let entry = entries.first(where: { $0.name == section + ".lz4" }) else {
            throw .damaged(path: directory + "/manifest.json", reason: "names no \(section).lz4")
        }
        return try SectionFile(files: files, directory: directory).read(entry)
    }

    /// Makes an older snapshot the newest: `CURRENT` names it, and those after it are removed.
    /// - Returns: the names of the removed ones.
    public func rewind(to name: String) throws(SnapshotError) -> [String] {
        do throws(FileError) {
            try announce(name)
        } catch { throw .file(error) }
        let newer = try names().filter { $0 > name }
        for name in newer { try remove(name) }
        return newer
    }

    /// Removes a snapshot: first by name, at once, then its files.
    public func remove(_ name: String) throws(SnapshotError) {
        let doomed = snapshots + "/.removed-" + name
        do throws(FileError) {
            try files.rename(snapshots + "/" + name, to: doomed)
            try files.remove(doomed)
        } catch { throw .file(error) }
    }
}

/// A manifest has a few hundred bytes for each partition.
private let manifestBytesMax = 16 << 20

private struct FormatVersion: Decodable {
    var formatVersion: Int

    enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
    }
}
