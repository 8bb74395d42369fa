public import Snapshot

/// A version in a publication folder.
public struct PublishedVersion: Equatable, Sendable {
    public let number: Int
    /// The folder that it is in.
    let folder: String

    /// The number, zero-padded to ten digits.
    public var name: String { Self.name(number) }
    /// Where its export is.
    public var directory: String { folder + "/versions/" + name }

    static let numberMax = 9_999_999_999

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// The number that a name of ten digits stands for.
    static func number(_ name: some StringProtocol) -> Int? {
        let isName =
            name.utf8.count == 10
            && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isName ? Int(name) : nil
    }
}

/// A folder from which models are served.
///
/// ```
/// <folder>/current -> versions/0000000042   what is to be served; switched by one rename
/// <folder>/versions/0000000042/             an export, complete and verified
/// <folder>/versions/.0000000043             one being written; .0000000043.lock: by whom
/// <folder>/versions/.removed-0000000039     one being removed
/// <folder>/HOLD                             while it is there, nothing is published
/// <folder>/WITHDRAWN                        versions that were rolled back, with their models
/// <folder>/LOCK                             held for each short change
/// ```
///
/// `current` leads to a complete version at every instant, or is absent before the first. A reader
/// resolves it once and then finds all files of that version, as long as it is among those kept.
/// Numbers only grow. Any number of publishers may share a folder: what one has begun while another
/// has published, or rolled back, it gives up.
public struct PublicationFolder: Sendable {
    public let directory: String
    /// How many versions are kept, at least 2.
    let keep: Int
    let files: any FileSystem

    var versions: String { directory + "/versions" }
    var link: String { directory + "/current" }
    var newLink: String { directory + "/.current" }

    /// Names a folder; nothing is looked at before it is used.
    /// - Precondition: `keep` is at least 2: the published version and the one before it.
    public init(
        directory: String,
        keep: Int = 3,
        files: any FileSystem = DiskFileSystem()
    ) {
        precondition(keep >= 2, "a folder keeps the published version and the one before it")
        self.directory = directory
        self.keep = keep
        self.files = files
    }

    /// Creates the folder if it is not there, and refuses one that holds other things. Removes what
    /// killed publishers left.
    /// - Throws: `ExportError` saying what is in the way.
    public func prepare() throws(ExportError) {
        try performing { () throws(FileError) in
            guard try files.kind(of: directory) != .file else {
                throw FileError(
                    operation: "publish to",
                    path: directory,
                    reason: "it is a file, not a folder"
                )
            }
            try files.makeDirectory(directory)
        }
        try checkLayout()
        _ = try current()
        try performing { () throws(FileError) in
            try files.makeDirectory(versions)
            try files.syncDirectory(directory)
            files.syncParent(of: directory)
        }
        // Shows whether it can be written to, too.
        try locked { () throws(ExportError) in
            try performing { () throws(FileError) in try removeAbandoned() }
        }
    }

    /// What is published; nil before anything is.
    /// - Throws: `ExportError` if `current` is nothing of ours.
    public func current() throws(ExportError) -> PublishedVersion? {
        switch try performing({ () throws(FileError) in try files.kind(of: link) }) {
        case nil: return nil
        case .link(let destination):
            let parts = destination.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "versions",
                let number = PublishedVersion.number(parts[1])
            else {
                throw ExportError(
                    "\(link) leads to \(destination), which is no version of this folder; take it "
                        + "away or publish elsewhere"
                )
            }
            return version(number)
        default:
            throw ExportError(
                "\(link) is not a link to a version; take it away or publish elsewhere"
            )
        }
    }

    /// All complete versions, oldest first.
    public func all() throws(ExportError) -> [PublishedVersion] {
        do throws(FileError) {
            return try files.list(versions).compactMap { PublishedVersion.number($0) }
                .map(version)
        } catch {
            if error.isMissing { return [] }
            throw ExportError("\(error)")
        }
    }

    func version(_ number: Int) -> PublishedVersion {
        PublishedVersion(number: number, folder: directory)
    }

    /// Whatever is here besides versions must be ours, else the user means another folder.
    private func checkLayout() throws(ExportError) {
        let ours = [
            "versions", "current", ".current", "LOCK", "HOLD", ".HOLD", "WITHDRAWN", ".WITHDRAWN",
            // The root of a file system of its own has one.
            "lost+found",
        ]
        let names = try performing { () throws(FileError) in try files.list(directory) }
        guard names.contains("versions"), names.contains("LOCK") else {
            if let other = names.first(where: { !ours.contains($0) }) {
                throw ExportError(
                    "\(directory) holds \(other), which is not of a publication; take an empty "
                        + "folder, or a new one"
                )
            }
            return
        }
        let inside = try performing { () throws(FileError) in try files.list(versions) }
        if let other = inside.first(where: { Self.owner(ofEntry: $0) == nil }) {
            throw ExportError(
                "\(versions) holds \(other), which is not of a publication; take an empty folder, "
                    + "or a new one"
            )
        }
    }

    /// The number of the version to which an entry of `versions` belongs; nil if it is not ours.
    static func owner(ofEntry name: String) -> Int? {
        var rest = name[...]
        if rest.hasPrefix(".removed-") {
            rest = rest.dropFirst(".removed-".count)
        } else if rest.hasPrefix(".") {
            rest = rest.dropFirst()
            if rest.hasSuffix(".lock") { rest = rest.dropLast(".lock".count) }
        }
        return PublishedVersion.number(rest)
    }

    /// Does what must not interleave with another process's changes.
    func locked<Result>(
        _ body: () throws(ExportError) -> Result
    ) throws(ExportError) -> Result {
        let lock = try performing { () throws(FileError) in
            try files.lock(directory + "/LOCK", waits: true)
        }
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    func performing<Result>(
        _ body: () throws(FileError) -> Result
    ) throws(ExportError) -> Result {
        do throws(FileError) {
            return try body()
        } catch { throw ExportError("\(error)") }
    }
}
