internal import Snapshot

/// What came of a version that was written.
public enum PublicationResult: Equatable, Sendable {
    case published(PublishedVersion)
    /// Somebody has rolled back, or asked to wait, since.
    case held(Hold)
    /// Another publisher was faster: what was published is not what this was judged against.
    case superseded
}

extension PublicationFolder {
    /// Publishes a version: all of it, or nothing.
    ///
    /// - Parameters:
    ///   - expected: what is published now, as the caller knows it; nil: nothing.
    ///   - write: writes the version's files, durably, into the empty directory that it is given, and
    ///     verifies them. Nothing is locked meanwhile.
    ///   - warn: told of old versions that cannot be removed.
    /// - Throws: what `write` throws; `ExportError`. What was published stays then.
    public func publish(
        replacing expected: PublishedVersion?,
        warn: (ExportError) -> Void = { _ in },
        write: (_ directory: String) throws -> Void
    ) throws -> PublicationResult {
        if try performing({ () throws(FileError) in try files.kind(of: versions) }) == nil {
            try prepare()
        }
        let draft = try locked { () throws(ExportError) in try reserve() }
        defer { withExtendedLifetime(draft) {} }
        do {
            try write(draft.directory)
            let result = try locked { () throws(ExportError) in
                let result = try commit(draft, replacing: expected)
                if case .published = result { prune(warn: warn) }
                return result
            }
            discard(draft)
            return result
        } catch {
            discard(draft)
            throw error
        }
    }

    /// A version being written: its directory, and the lock that shows others that it is.
    private struct Draft {
        var number: Int
        var directory: String
        var lockFile: String
        var lock: any FileLock
    }

    private func draftDirectory(_ number: Int) -> String {
        versions + "/." + PublishedVersion.name(number)
    }

    private func reserve() throws(ExportError) -> Draft {
        let number = try nextNumber()
        let directory = draftDirectory(number)
        return try performing { () throws(FileError) in
            try removeAbandoned()
            let lockFile = directory + ".lock"
            guard let lock = try files.lock(lockFile, waits: false) else {
                throw FileError(operation: "lock", path: lockFile, reason: "it is in use")
            }
            try files.makeDirectory(directory)
            return Draft(number: number, directory: directory, lockFile: lockFile, lock: lock)
        }
    }

    /// Removes what killed publishers left, under the folder's lock. What cannot be removed costs disk,
    /// and is tried again.
    func removeAbandoned() throws(FileError) {
        for name in try files.list(versions) where name.hasPrefix(".") {
            try? removeAbandoned(name)
        }
    }

    /// Removes an entry that a killed publisher left, but not a draft that somebody is writing.
    private func removeAbandoned(_ name: String) throws(FileError) {
        guard let number = Self.owner(ofEntry: name) else { return }
        if name.hasPrefix(".removed-") { return try files.remove(versions + "/" + name) }
        let directory = draftDirectory(number)
        guard let lock = try files.lock(directory + ".lock", waits: false) else { return }
        defer { withExtendedLifetime(lock) {} }
        try files.remove(directory)
        try files.remove(directory + ".lock")
    }

    /// Above all numbers that were ever seen here.
    private func nextNumber() throws(ExportError) -> Int {
        let entries = try performing { () throws(FileError) in try files.list(versions) }
        var greatest = entries.compactMap(Self.owner).max() ?? 0
        greatest = max(greatest, try current()?.number ?? 0)
        greatest = max(greatest, try withdrawn().map(\.number).max() ?? 0)
        guard greatest < PublishedVersion.numberMax else {
            throw ExportError("\(versions) has no number left above \(greatest)")
        }
        return greatest + 1
    }

    private func commit(
        _ draft: Draft,
        replacing expected: PublishedVersion?
    ) throws(ExportError) -> PublicationResult {
        if let hold = try hold() { return .held(hold) }
        guard try current() == expected else { return .superseded }
        let version = version(draft.number)
        try performing { () throws(FileError) in
            try files.syncDirectory(draft.directory)
            try files.rename(draft.directory, to: version.directory)
        }
        do throws(ExportError) {
            try performing { () throws(FileError) in try files.syncDirectory(versions) }
            try lead(to: version)
        } catch {
            if !isPublished(version) { try? files.remove(version.directory) }
            throw error
        }
        return .published(version)
    }

    /// Makes `current` lead to a version.
    func lead(to version: PublishedVersion) throws(ExportError) {
        let kind = try performing { () throws(FileError) in try files.kind(of: newLink) }
        switch kind {
        case nil, .link: break
        default: throw ExportError("\(newLink) is in the way: it is not a link; take it away")
        }
        try performing { () throws(FileError) in
            if kind != nil { try files.remove(newLink) }
            try files.makeLink(newLink, to: "versions/" + version.name)
            try files.rename(newLink, to: link)
            try files.syncDirectory(directory)
        }
    }

    /// Whether `current` leads to a version, as far as can be told: it may, where that fails.
    private func isPublished(_ version: PublishedVersion) -> Bool {
        do throws(ExportError) {
            return try current() == version
        } catch { return true }
    }

    /// Removes what is left of a draft. What cannot be is removed by the next publication.
    private func discard(_ draft: Draft) {
        try? locked { () throws(ExportError) in
            try performing { () throws(FileError) in
                try files.remove(draft.directory)
                try files.remove(draft.lockFile)
            }
        }
    }

    /// Removes versions beyond the newest `keep`, but neither the published one nor the one that a
    /// rollback would lead to. What cannot be removed costs disk, and is tried again.
    private func prune(warn: (ExportError) -> Void) {
        do throws(ExportError) {
            let all = try all()
            guard let current = try current() else { return }
            let before = try version(before: current)
            for version in all.dropLast(keep) where version != current && version != before {
                let doomed = versions + "/.removed-" + version.name
                try performing { () throws(FileError) in
                    try files.rename(version.directory, to: doomed)
                    try files.remove(doomed)
                }
            }
        } catch { warn(ExportError("old versions stay: \(error)")) }
    }
}
