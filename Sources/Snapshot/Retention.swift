extension SnapshotStore {
    /// Removes snapshots that the settings no longer keep. The current one always stays.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since the epoch, against which `keepFor` is measured.
    ///   - creationTime: When a snapshot was made; nil if that cannot be told, which keeps it for
    ///     as long as the count does.
    public func prune(
        _ settings: SnapshotSettings,
        now: Int64,
        creationTime: (String) -> Int64?
    ) throws(SnapshotError) {
        let current = try current()
        for (age, name) in try names().reversed().enumerated() where name != current {
            var expired = age >= settings.keep
            if !expired, let keepFor = settings.keepFor, let created = creationTime(name) {
                expired = now - created > keepFor
            }
            if expired { try remove(name) }
        }
    }
}
