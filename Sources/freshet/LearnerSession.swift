import Configure
import Events
import Foundation
import Logging
import Pipeline
import Snapshot
import Source

/// One run on one state directory: locks it, resumes from its newest good snapshot, and saves there.
struct LearnerSession: Sendable {
    let configuration: Configuration
    let directory: String
    let resumed: ResumedState?
    /// What a state without a snapshot starts with; nil: afresh.
    private let warmStart: WarmStart?
    let writer: SnapshotWriter
    let settings: PipelineSettings
    private let schedule: SnapshotSettings.Schedule
    private let acceptsSilence: Bool
    /// Where newer snapshots are removed once nothing else can be refused; nil: nowhere.
    private let rewinds: SnapshotStore?
    private let lock: StateLock
    private let logger: Logger

    /// - Parameters:
    ///   - now: See `PipelineSettings.now`; the first run's, if the state has one, wins unless this
    ///     was asked for explicitly.
    init(
        options: StateOptions,
        selection: TimeSelection = TimeSelection(),
        now: Int64? = nil,
        logger: Logger
    ) throws {
        configuration = try Configuration(file: options.config)
        directory = options.state
        // Before anything is created: a file that cannot be used leaves no trace.
        let warmStart = try WarmStart(options, configuration: configuration)
        lock = try StateLock(directory: directory)
        let store = try SnapshotStore(directory: directory)
        var resumed = try Self.resume(from: store, snapshot: options.fromSnapshot, logger: logger)
        let entries = configuration.canonical.map {
            ConfigurationEntry(key: $0.key, value: $0.value)
        }
        if let state = resumed {
            resumed?.addedFields = try Self.addedFields(
                configuration,
                to: state,
                options: options,
                logger: logger
            )
        }
        self.resumed = resumed
        self.warmStart = resumed == nil ? warmStart : nil
        writer = SnapshotWriter(
            store: store,
            settings: configuration.snapshots,
            stamp: SnapshotStamp(
                programVersion: programVersion,
                configurationFingerprint: configuration.fingerprint,
                configuration: entries,
                warmStart: resumed == nil ? warmStart?.record : resumed?.body.warmStart,
                addedFeatures: resumed?.allAddedFeatures
            ),
            logger: logger
        )
        settings = configuration.pipelineSettings(
            selection: selection,
            now: now ?? resumed?.body.now ?? clockMilliseconds(),
            skips: options.skips.map(\.range)
        )
        schedule = options.snapshotEvery?.schedule ?? configuration.snapshots.every
        acceptsSilence = options.acceptSilence
        rewinds = options.fromSnapshot == nil ? nil : store
        self.logger = logger
    }

    /// Where to go on in each partition.
    var resumePoints: [Partition: ResumePoint] {
        var points: [Partition: ResumePoint] = [:]
        for progress in resumed?.progress ?? [] {
            points[progress.partition] = ResumePoint(
                position: progress.position,
                lastPayloadHash: progress.lastPayloadHash
            )
        }
        return points
    }

    /// A state goes on with the files that it began with: a file more would have been merged with what
    /// is applied already.
    func checkFiles(_ partitions: [Partition], folder: String) throws {
        guard let resumed else { return }
        let known = Set(resumed.progress.map(\.partition))
        guard let added = partitions.first(where: { !known.contains($0) }) else { return }
        throw PipelineError(
            "\(folder) holds \(added.name), which was not there when the state in \(directory) "
                + "began; take it away or start with a new state directory"
        )
    }

    /// The loop over a source that stands at `resumePoints`.
    /// - Parameter readsAhead: Whether another thread reads and decodes.
    func loop<Source: RecordSource & ~Copyable>(
        over source: consuming sending Source,
        isLive: Bool,
        readsAhead: Bool,
        examples: String? = nil
    ) throws -> TrainingLoop<Source> {
        var pipeline = try Pipeline(
            settings: settings,
            source: source,
            state: resumed,
            warmStart: warmStart?.transplant,
            sideFiles: SideFilePaths(
                quarantine: directory + "/quarantine.jsonl",
                examples: examples
            ),
            readsAhead: readsAhead,
            logger: logger
        )
        if let rewinds, let resumed { try Self.rewind(rewinds, to: resumed, logger: logger) }
        if let warmStart { warmStart.report(logger) { pipeline.predict(features: &$0) } }
        let acceptsSilence = acceptsSilence && pipeline.silence.isSilent
        if acceptsSilence {
            logger.notice("silence is accepted", metadata: pipeline.silence.metadata)
            pipeline.acceptSilence()
        }
        return TrainingLoop(
            pipeline: pipeline,
            writer: writer,
            every: schedule,
            isLive: isLive,
            hasSnapshot: resumed != nil && resumed?.addedFields == nil && !acceptsSilence,
            clock: clockMilliseconds
        )
    }

    /// The newest snapshot: written by this run, or resumed from.
    var newest: (name: String, body: SnapshotBody)? {
        if let last = writer.last { return (last.name, last.body) }
        return resumed.map { ($0.name, $0.body) }
    }

    /// The state to continue from: the snapshot asked for, or the newest good one.
    private static func resume(
        from store: SnapshotStore,
        snapshot: String?,
        logger: Logger
    ) throws -> ResumedState? {
        if let snapshot {
            let name = SnapshotStore.name(number: snapshot)
            let names = try store.names()
            guard names.contains(name) else {
                throw PipelineError(
                    "--from-snapshot \(snapshot): \(store.directory) has no such snapshot; it has "
                        + (names.isEmpty ? "none" : names.joined(separator: ", "))
                )
            }
            return try ResumedState(name, of: store)
        }
        return try ResumedState.newest(of: store) { damage in
            logger.warning(
                "a damaged snapshot is passed over",
                metadata: ["snapshot": "\(damage)"]
            )
        }
    }

    private static func rewind(
        _ store: SnapshotStore,
        to resumed: ResumedState,
        logger: Logger
    ) throws {
        let removed = try store.rewind(to: resumed.name)
        logger.warning(
            "went back to an older snapshot",
            metadata: [
                "snapshot": "\(resumed.name)", "removed": "\(removed.joined(separator: ", "))",
            ]
        )
    }

    /// The features that the configuration adds to those that the state was made with.
    /// - Throws: `ConfigurationError` if anything else differs.
    private static func addedFields(
        _ configuration: Configuration,
        to resumed: ResumedState,
        options: StateOptions,
        logger: Logger
    ) throws(ConfigurationError) -> AddedFields? {
        if options.warmStart != nil {
            logger.notice(
                "--warm-start is not used: the state has a snapshot",
                metadata: ["snapshot": "\(resumed.name)"]
            )
        }
        switch configuration.fit(saved: resumed.body.configuration.map { ($0.key, $0.value) }) {
        case .same: return nil
        case .addedFields(let added):
            logger.notice(
                "features were added to the state; until they have learnt no prediction changes",
                metadata: ["features": "\(added.names.joined(separator: ", "))"]
            )
            return added
        case .different(let difference):
            throw ConfigurationError(
                file: options.config,
                key: difference.key,
                problem: """
                    is \(difference.current ?? "absent"), but the state in \(options.state) was made \
                    with \(difference.saved ?? "none"); use that value or another state directory
                    """
            )
        }
    }
}
