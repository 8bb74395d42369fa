public import Snapshot
public import Source

/// Drives a pipeline and saves its state on schedule, live or in a replay, until the stream ends or
/// it is told to stop. The clock is an argument: nothing below this line reads one.
public struct TrainingLoop<Source: RecordSource & ~Copyable>: ~Copyable {
    public private(set) var pipeline: Pipeline<Source>
    private let writer: SnapshotWriter
    private let every: SnapshotSettings.Schedule
    private var schedule: SnapshotSchedule
    private let isLive: Bool
    /// Milliseconds since the epoch.
    private let clock: () -> Int64
    /// Where the newest snapshot was taken: consumed events and stream time.
    private var saved: (consumed: Int, streamTime: Int64)?
    /// The snapshot whose positions were committed last.
    private var committed: String?
    /// When a snapshot was last handed to the writer, by the clock.
    private var lastAttempt = Int64.min

    /// - Parameter hasSnapshot: Whether the pipeline stands where a snapshot was taken.
    public init(
        pipeline: consuming Pipeline<Source>,
        writer: SnapshotWriter,
        every: SnapshotSettings.Schedule,
        isLive: Bool,
        hasSnapshot: Bool,
        clock: @escaping () -> Int64
    ) {
        self.every = every
        schedule = SnapshotSchedule(
            every,
            isLive: isLive,
            clock: clock(),
            consumed: pipeline.consumed,
            streamTime: pipeline.streamTime
        )
        saved = hasSnapshot ? (pipeline.consumed, pipeline.streamTime) : nil
        writer.giveSpare(pipeline.emptyNetworkState)
        self.pipeline = pipeline
        self.writer = writer
        self.isLive = isLive
        self.clock = clock
    }

    /// Runs until the end of the stream (never, live) or until `shouldStop`.
    ///
    /// - Parameter observe: Called between turns, a few hundred times a second, with the pipeline.
    /// - Returns: whether the stream came to its end.
    public mutating func run(
        shouldStop: () -> Bool,
        observe: (borrowing Pipeline<Source>) -> Void
    ) throws -> Bool {
        while !shouldStop() {
            let now = clock()
            let turn = try pipeline.turn(clock: isLive ? now : nil, until: schedule.next)
            switch turn {
            case .ended where !isLive: return true
            case .idle, .ended:
                if isLive { pipeline.advanceIdle(clock: now) }
                pipeline.waitForRecords(milliseconds: 5)
            case .worked, .stopped: break
            }
            let isDue =
                isFree
                && schedule.isDue(
                    clock: now,
                    consumed: pipeline.consumed,
                    streamTime: pipeline.streamTime
                )
            if isDue || (writer.hasFailed && now >= lastAttempt + retryDelay) {
                try saveIfChanged()
            }
            if isLive { commitSaved() }
            observe(pipeline)
        }
        return false
    }

    /// Advances stream time after the last record.
    public mutating func advance(to time: Int64) {
        pipeline.advance(to: time)
    }

    /// Takes a snapshot now unless nothing has happened since the last, and waits until it is durable.
    public mutating func finish() throws {
        try saveIfChanged()
        try writer.finish()
        if isLive {
            commitSaved()
            pipeline.finishCommit(milliseconds: 1_000)
        }
    }

    /// Once a snapshot is durable, its positions are told to whoever watches the lag. Nothing rests on
    /// it: the snapshot is the truth.
    private mutating func commitSaved() {
        guard let last = writer.last, last.name != committed else { return }
        committed = last.name
        pipeline.commit(last.body.positions)
    }

    /// Whether a snapshot may be due. By the clock, the next one waits until the writer has finished the
    /// one before; at a certain event or stream time it comes exactly there, and the learner waits.
    private var isFree: Bool {
        if case .duration = every, isLive { !writer.isBusy } else { true }
    }

    /// Hands a copy of the state to the writer, and goes on while that is written.
    private mutating func saveIfChanged() throws {
        let now = (consumed: pipeline.consumed, streamTime: pipeline.streamTime)
        if let saved, saved == now, !writer.hasFailed { return }
        if writer.isBusy { try? writer.finish() }
        let start = ContinuousClock.now
        try pipeline.syncSideFiles()
        let state = pipeline.copyState(reusing: writer.takeSpare())
        lastAttempt = clock()
        writer.save(state, createdAt: lastAttempt, pause: ContinuousClock.now - start)
        saved = now
    }
}

/// Milliseconds after which a snapshot that failed is tried again, even if none is due.
private let retryDelay: Int64 = 10_000
