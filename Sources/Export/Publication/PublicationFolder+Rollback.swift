internal import Foundation
internal import Snapshot

/// Why nothing is published at present, as the file `HOLD` says it.
public struct Hold: Codable, Equatable, Sendable {
    /// When it began, as people write it.
    public var since: String
    /// The versions that were taken back.
    public var withdrawn: [String]
    /// What is published instead.
    public var published: String
}

/// A version that was rolled back.
public struct WithdrawnVersion: Equatable, Sendable {
    public var number: Int
    public var model: String
}

/// What a rollback did.
public struct Rollback: Equatable, Sendable {
    public var from: PublishedVersion
    public var to: PublishedVersion
    public var hold: Hold
}

extension PublicationFolder {
    /// Switches `current` back, and holds publication, since the next snapshot would undo it.
    ///
    /// - Parameters:
    ///   - number: of the version to go to; nil: the one before the published one that was not itself
    ///     withdrawn. Those between, and the published one, are withdrawn: their models are not
    ///     published again.
    ///   - since: the time now, as people write it.
    /// - Throws: `ExportError`; what was published stays then.
    public func rollback(to number: Int?, since: String) throws(ExportError) -> Rollback {
        try requireVersions()
        return try locked { () throws(ExportError) in
            guard let from = try current() else {
                throw ExportError("nothing is published in \(directory)")
            }
            let target = try target(number, from: from)
            let export = try ServingExport(directory: target.directory, files: files)
            try export.checkFiles()
            let taken = try all().filter { $0.number > target.number && $0.number <= from.number }
            let hold = Hold(
                since: since,
                withdrawn: taken.map(\.name),
                published: target.name
            )
            try writeHold(hold)
            try withdraw(taken, butNot: target)
            try lead(to: target)
            return Rollback(from: from, to: target, hold: hold)
        }
    }

    /// Lets publication go on.
    /// - Returns: what held it; nil if nothing did.
    public func release() throws(ExportError) -> Hold? {
        try requireVersions()
        return try locked { () throws(ExportError) in
            guard let hold = try hold() else { return nil }
            try performing { () throws(FileError) in
                try files.remove(holdFile)
                try files.syncDirectory(directory)
            }
            return hold
        }
    }

    /// Why nothing is published; nil if nothing is in the way. A `HOLD` that somebody made by hand
    /// holds, too.
    public func hold() throws(ExportError) -> Hold? {
        let text: [UInt8]
        do throws(FileError) {
            guard try files.kind(of: holdFile) != nil else { return nil }
            text = try files.readAll(holdFile, maxCount: recordBytesMax)
        } catch {
            if error.isMissing { return nil }
            throw ExportError("\(error)")
        }
        return (try? JSONDecoder().decode(Hold.self, from: Data(text)))
            ?? Hold(since: "an unknown time", withdrawn: [], published: "")
    }

    /// The newest versions that were rolled back.
    public func withdrawn() throws(ExportError) -> [WithdrawnVersion] {
        let text: [UInt8]
        do throws(FileError) {
            text = try files.readAll(withdrawnFile, maxCount: recordBytesMax)
        } catch {
            if error.isMissing { return [] }
            throw ExportError("\(error)")
        }
        var withdrawn: [WithdrawnVersion] = []
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = PublishedVersion.number(parts[0]) else {
                throw ExportError(
                    "\(withdrawnFile) has a line that is no version with its model: \(line.prefix(80))"
                )
            }
            withdrawn.append(WithdrawnVersion(number: number, model: String(parts[1])))
        }
        return withdrawn
    }

    /// What a rollback of `version` leads to: the one before it that was neither withdrawn nor is of the
    /// same model, as one is that a publisher was killed over.
    func version(before version: PublishedVersion) throws(ExportError) -> PublishedVersion? {
        let withdrawn = Set(try withdrawn().map(\.number))
        let model = model(of: version)
        return try all().last {
            $0.number < version.number && !withdrawn.contains($0.number)
                && (model == nil || self.model(of: $0) != model)
        }
    }

    private func model(of version: PublishedVersion) -> String? {
        (try? ServingExport(directory: version.directory, files: files))?.manifest.model
    }

    private var holdFile: String { directory + "/HOLD" }
    private var withdrawnFile: String { directory + "/WITHDRAWN" }

    /// A folder in which nothing was ever published is not made one by a rollback.
    private func requireVersions() throws(ExportError) {
        let kind = try performing { () throws(FileError) in try files.kind(of: versions) }
        guard kind == .directory else {
            throw ExportError("\(directory) is no publication: it has no folder versions")
        }
    }

    private func target(
        _ number: Int?,
        from: PublishedVersion
    ) throws(ExportError) -> PublishedVersion {
        let all = try all()
        let names = all.map(\.name).joined(separator: ", ")
        guard let number else {
            if let before = try version(before: from) { return before }
            throw ExportError(
                "\(directory) has no version before \(from.name) to go back to; it has \(names)"
            )
        }
        guard let target = all.first(where: { $0.number == number }) else {
            throw ExportError("\(directory) has no version \(number); it has \(names)")
        }
        guard target != from else { throw ExportError("\(target.name) is what is published") }
        return target
    }

    private func writeHold(_ hold: Hold) throws(ExportError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let text = try? encoder.encode(hold) else {
            throw ExportError("\(holdFile) cannot be encoded")
        }
        try replace(holdFile, by: Array(text) + [UInt8(ascii: "\n")])
    }

    private func withdraw(
        _ taken: [PublishedVersion],
        butNot target: PublishedVersion
    ) throws(ExportError) {
        var all = try withdrawn().filter { $0.number != target.number }
        for version in taken where !all.contains(where: { $0.number == version.number }) {
            // One that cannot be read any more is withdrawn by its number alone.
            let export = try? ServingExport(directory: version.directory, files: files)
            let model = export?.manifest.model ?? "unknown"
            all.append(WithdrawnVersion(number: version.number, model: model))
        }
        all.sort { $0.number < $1.number }
        let lines = all.suffix(withdrawnMax).map {
            "\(PublishedVersion.name($0.number)) \($0.model)\n"
        }
        try replace(withdrawnFile, by: Array(lines.joined().utf8))
    }

    /// Replaces a small file, durably, all at once.
    private func replace(_ path: String, by text: [UInt8]) throws(ExportError) {
        let new = directory + "/." + path.dropFirst(directory.count + 1)
        try performing { () throws(FileError) in
            let file = try files.create(new)
            try unsafe file.write(text.span.bytes)
            try file.sync()
            try files.rename(new, to: path)
            try files.syncDirectory(directory)
        }
    }
}

/// Withdrawn versions are remembered up to this many, the newest.
private let withdrawnMax = 1_000

/// A longer `HOLD` or `WITHDRAWN` is not ours.
private let recordBytesMax = 1 << 20
