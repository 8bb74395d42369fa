internal import Dispatch
public import Learn
public import Logging
internal import Order
public import Snapshot
internal import StateCoding
internal import Synchronization

/// What is put into every snapshot of a run beside the state.
public struct SnapshotStamp: Sendable {
    public var programVersion: String
    public var configurationFingerprint: String
    public var configuration: [ConfigurationEntry]
    /// What the state began with; nil if it began fresh.
    public var warmStart: WarmStartRecord?
    /// See `SnapshotBody.addedFeatures`.
    public var addedFeatures: [[String]]?

    public init(
        programVersion: String,
        configurationFingerprint: String,
        configuration: [ConfigurationEntry],
        warmStart: WarmStartRecord? = nil,
        addedFeatures: [[String]]? = nil
    ) {
        self.addedFeatures = addedFeatures
        self.warmStart = warmStart
        self.programVersion = programVersion
        self.configurationFingerprint = configurationFingerprint
        self.configuration = configuration
    }
}

/// A snapshot that is durable.
public struct SavedSnapshot: Sendable {
    public var name: String
    public var body: SnapshotBody
    /// What encoding, compressing and syncing took, off the learning thread.
    public var writing: Duration
}

/// Writes snapshots on a thread of its own, one at a time, from copies of the state.
///
/// A failed snapshot is reported and changes nothing: the one before it stays valid, and the next
/// one is tried when it is due.
public final class SnapshotWriter: Sendable {
    private let store: SnapshotStore
    private let settings: SnapshotSettings
    private let stamp: SnapshotStamp
    private let logger: Logger
    private let queue = DispatchQueue(label: "freshet.snapshots")
    private let outcome = Mutex(Outcome())
    /// What is to be written, in order.
    private let pending = Mutex<[Pending]>([])
    private let spare = Mutex<NetworkState?>(nil)

    private struct Pending {
        var state: PipelineState
        var createdAt: Int64
        var pause: Duration
    }

    private struct Outcome {
        var isBusy = false
        var last: SavedSnapshot?
        var failure: SnapshotError?
    }

    public init(
        store: SnapshotStore,
        settings: SnapshotSettings,
        stamp: SnapshotStamp,
        logger: Logger
    ) {
        self.store = store
        self.settings = settings
        self.stamp = stamp
        self.logger = logger
    }

    /// Whether a snapshot is being written.
    public var isBusy: Bool { outcome.withLock { $0.isBusy } }

    /// Whether the last snapshot could not be written.
    public var hasFailed: Bool { outcome.withLock { $0.failure != nil } }

    /// The newest snapshot written by this run.
    public var last: SavedSnapshot? { outcome.withLock { $0.last } }

    /// Writes a snapshot in the background, after any that is still being written.
    ///
    /// - Parameters:
    ///   - createdAt: Milliseconds since the epoch, by the caller's clock.
    ///   - pause: How long the learner stood still for the copy.
    public func save(_ state: PipelineState, createdAt: Int64, pause: Duration = .zero) {
        outcome.withLock { $0.isBusy = true }
        // Not captured, so that the copy's memory is free again when it is written.
        pending.withLock { $0.append(Pending(state: state, createdAt: createdAt, pause: pause)) }
        queue.async { [self] in
            do throws(SnapshotError) {
                let saved = try write(pending.withLock { $0.removeFirst() })
                outcome.withLock { $0 = Outcome(isBusy: false, last: saved, failure: nil) }
            } catch {
                logger.error("snapshot failed", metadata: ["error": "\(error)"])
                outcome.withLock {
                    $0.isBusy = false
                    $0.failure = error
                }
            }
        }
    }

    /// The memory of a copy that has been written, for the next one; nil if there is none.
    public func takeSpare() -> NetworkState? {
        spare.withLock { spare in
            defer { spare = nil }
            return spare
        }
    }

    /// Gives the first copy its memory.
    public func giveSpare(_ state: NetworkState) {
        spare.withLock { $0 = state }
    }

    /// Waits for what is being written.
    /// - Throws: the error of the last snapshot, if it failed.
    public func finish() throws(SnapshotError) {
        queue.sync {}
        if let failure = outcome.withLock({ $0.failure }) { throw failure }
    }

    private func write(_ pending: consuming Pending) throws(SnapshotError) -> SavedSnapshot {
        let start = ContinuousClock.now
        let (createdAt, pause) = (pending.createdAt, pending.pause)
        let state = (consume pending).state
        defer { giveSpare(state.learner.network) }
        let name = try store.nextName()
        let sections = state.sections()
        let body = SnapshotBody(
            programVersion: stamp.programVersion,
            kernelPath: state.kernelPath,
            createdAt: createdAt,
            pauseMilliseconds: pause / .milliseconds(1),
            summary: state.summary(stateDigest: PipelineState.digest(of: sections)),
            positions: state.progress,
            skips: state.skips,
            order: state.order.greatest,
            sideFiles: state.sideFiles,
            now: state.now,
            configurationFingerprint: stamp.configurationFingerprint,
            configuration: stamp.configuration,
            warmStart: stamp.warmStart,
            addedFeatures: stamp.addedFeatures
        )
        try store.write(name: name, sections: sections, manifest: body)
        prune(now: createdAt)
        return SavedSnapshot(name: name, body: body, writing: ContinuousClock.now - start)
    }

    /// A snapshot that cannot be removed costs disk, not data: it is reported and tried again.
    private func prune(now: Int64) {
        do throws(SnapshotError) {
            try store.prune(settings, now: now) { name in
                try? store.manifest(of: name, as: SnapshotBody.self).body.createdAt
            }
        } catch {
            logger.warning("old snapshots stay", metadata: ["error": "\(error)"])
        }
    }
}
