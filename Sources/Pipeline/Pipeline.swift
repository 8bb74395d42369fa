internal import Decode
public import Events
internal import Join
public import Learn
public import Logging
internal import Order
public import Source

/// The data path, composed: source → decode → order → join → learn. `run`, `replay` and the tests
/// drive this same type; they differ in the source and in who tells the time.
///
/// One thread owns it. It reads no clock, no random source and no environment.
public struct Pipeline<Source: RecordSource & ~Copyable>: ~Copyable {
    private let settings: PipelineSettings
    private var reader: RecordReader<Source>
    private var merge: EventMerge
    private var order: StreamOrder
    private var joiner: Joiner
    private var sink: LearningSink
    private let quarantine: Quarantine
    private var sample: ImpressionSample
    /// Per partition, in the source's order.
    private var progress: [PartitionProgress]
    /// Per partition, the offsets that are left out.
    private let skips: [[OffsetRange]]
    /// Events consumed so far, quarantined ones included: the law's left side.
    public private(set) var consumed: Int

    /// What a turn came to.
    public enum Turn: Equatable, Sendable {
        /// Records were applied and more may be at hand.
        case worked
        /// The stop point was reached.
        case stopped
        /// Nothing can be applied now.
        case idle
        /// Every partition is at its end, which in a replay is final.
        case ended
    }

    /// Composes the path over a source that stands at the state's positions.
    ///
    /// - Parameters:
    ///   - state: What to continue from; nil for a fresh start.
    ///   - warmStart: What a fresh start takes over; made for the settings' schema and model.
    ///   - sideFiles: Where examples and quarantined records go.
    ///   - readsAhead: Whether to read and decode on a thread of its own. What comes out is the same.
    /// - Throws: `PipelineError` when the state does not fit the settings or the source.
    public init(
        settings: PipelineSettings,
        source: consuming sending Source,
        state: ResumedState?,
        warmStart: Transplant? = nil,
        sideFiles: SideFilePaths = SideFilePaths(),
        readsAhead: Bool = false,
        logger: Logger
    ) throws(PipelineError) {
        let partitions = source.partitions
        let known = state?.progress ?? []
        if let lost = known.first(where: { !partitions.contains($0.partition) })?.partition {
            throw PipelineError(
                "the state has read \(lost.name)/\(lost.number) (\(lost.role.plural)), which is not "
                    + "there any more: bring it back, or start with a new state directory"
            )
        }
        // A partition that was added to its topic since stands where it would have stood from the start.
        let progress = zip(partitions, source.startPositions).map { partition, position in
            known.first { $0.partition == partition }
                ?? PartitionProgress(partition, position: position)
        }
        let skips = try OffsetRange.checked(
            settings.skips + (state?.body.skips ?? []),
            partitions: partitions
        )
        OffsetRange.warn(of: settings.skips, before: progress, logger: logger)
        var learner = Learner(
            schema: settings.schema,
            settings: settings.learn,
            maturity: settings.join.clickWindow + settings.join.conversionWindow
        )
        var joiner = Joiner(settings: settings.join, partitionCount: progress.count)
        if let state {
            try state.restore(learner: &learner, joiner: &joiner, settings: settings)
            guard joiner.ledger.partitionCount == progress.count else {
                throw PipelineError(
                    "snapshot \(state.name) does not load: its join has "
                        + "\(joiner.ledger.partitionCount) partitions, its positions are of "
                        + "\(progress.count)"
                )
            }
            joiner.renumberPartitions(known.map { partitions.firstIndex(of: $0.partition)! })
        } else if let warmStart {
            learner.take(warmStart)
        }
        var sample = ImpressionSample(capacity: settings.sampledImpressions)
        if let state { try state.restore(&sample) }
        let quarantineFile = try sideFiles.quarantine.map { path throws(PipelineError) in
            try SideFile(path: path, length: state?.sideFiles["quarantine"] ?? 0)
        }
        let exampleFile = try sideFiles.examples.map { path throws(PipelineError) in
            try SideFile(path: path, length: state?.sideFiles["examples"] ?? 0)
        }
        // Nothing throws from here on: a value that cannot be copied is initialised as a whole.
        let calibration = learner.calibration
        sink = LearningSink(
            learner: learner,
            examples: exampleFile.map { ExampleWriter(file: $0, calibration: calibration) }
        )
        quarantine = Quarantine(
            file: quarantineFile,
            fileBytesMax: settings.quarantineFileBytesMax,
            logger: logger
        )
        order = state?.order ?? StreamOrder()
        merge = EventMerge(
            carriedTimes: progress.map(\.carriedTime),
            orderingDelay: settings.order.orderingDelay
        )
        self.sample = sample
        self.skips = skips
        self.joiner = joiner
        consumed =
            joiner.ledger.consumed.reduce(0, +) + progress.reduce(0) { $0 + $1.quarantined }
        self.progress = progress
        self.settings = settings
        reader = RecordReader(
            source,
            settings: settings,
            skips: skips,
            keeping: sample.keptPayloads,
            readsAhead: readsAhead
        )
    }

    /// Applies the next records: a bounded number, so that the caller can look at the time between.
    ///
    /// - Parameter clock: Milliseconds since the epoch in a live run; nil in a replay.
    public mutating func turn(clock: Int64?, until stop: StopPoint) throws -> Turn {
        reader.tell(clock: clock)
        if clock != nil { try fetchEmptyLanes() }
        for step in 0..<recordsPerTurn {
            if consumed >= stop.consumed || joiner.streamTime >= stop.streamTime { return .stopped }
            switch merge.select(
                clock: clock.map { _ in caughtUpClock },
                isAtEnd: { reader.isAtEnd(partition: $0) }
            ) {
            case .take(let lane):
                try apply(lane)
                // What came to the partition since its last fetch may be earlier than other heads.
                if clock != nil && merge.isEmpty(lane: lane) { try fetch(lane) }
            case .fetch(let lane):
                try fetch(lane)
                if merge.isEmpty(lane: lane) && !reader.isAtEnd(partition: lane) {
                    return step > 0 ? .worked : .idle
                }
            case .hold:
                return step > 0 ? .worked : .idle
            case .end:
                return step > 0 ? .worked : .ended
            }
        }
        return .worked
    }

    /// Lets an idle stream's windows close: when every partition is caught up, stream time advances
    /// to the clock minus the ordering delay.
    public mutating func advanceIdle(clock: Int64) {
        guard settings.order.idleAdvance,
            merge.lanes.indices.allSatisfy({ reader.isAtEnd(partition: $0) })
        else { return }
        advance(to: min(clock, caughtUpClock) - settings.order.orderingDelay)
    }

    /// Advances stream time; it never goes back.
    public mutating func advance(to time: Int64) {
        guard time > joiner.streamTime else { return }
        joiner.advance(to: time, sink: &sink)
        order.advance(to: time)
        sink.learner.matureThrough(joiner.closedThrough)
    }

    /// Predicts for an impression that is not part of the stream, and learns nothing from it.
    ///
    /// - Parameter features: its words as the schema encodes them, numbers raw; they are replaced by
    ///   the standardised ones.
    public mutating func predict(features: inout MutableSpan<UInt32>) -> Probabilities {
        sink.learner.predict(features: &features)
    }

    /// Waits for records, at most as long as stated.
    public mutating func waitForRecords(milliseconds: Int) {
        reader.wait(milliseconds: milliseconds)
    }

    // MARK: One record

    /// Takes a lane's head. A record whose time is not selected leaves no trace, not even in the
    /// position: a later run with another selection finds it there.
    private mutating func apply(_ lane: Int) throws(PipelineError) {
        let before = merge.carriedTime(lane: lane)
        let record = merge.take(lane: lane)
        if let next = merge.next(lane: lane) { joiner.prefetch(next) }
        let time = record.kind == .event ? record.event.time : before
        guard settings.selection.contains(time) else { return }
        progress[lane].position = record.offset + record.offsetCount
        progress[lane].lastPayloadHash = record.payloadHash == 0 ? nil : record.payloadHash
        progress[lane].carriedTime = merge.carriedTime(lane: lane)
        switch record.kind {
        case .event:
            consumed += 1
            apply(record, lane: lane)
            try sink.examples?.check()
        case .rejected:
            try reject(record, lane: lane)
        case .unchosen:
            break
        }
    }

    private mutating func apply(_ record: DecodedRecord, lane: Int) {
        let event = record.event
        let partition = progress[lane].partition
        order.apply(.init(time: event.time, role: event.role, partition: partition.number))
        let words = merge.lanes[lane].batch.words
        let text = merge.lanes[lane].batch.text
        if !record.payloadRange.isEmpty {
            let payloads = merge.lanes[lane].batch.payloads
            sample.offer(
                event.impressionID,
                payload: payloads.span.extracting(record.payloadRange)
            )
        }
        joiner.apply(
            event,
            features: words.span.extracting(record.featureRange),
            text: text.span.extracting(record.textRange),
            sink: &sink
        )
        sink.learner.matureThrough(joiner.closedThrough)
    }

    private mutating func reject(_ record: DecodedRecord, lane: Int) throws(PipelineError) {
        let batch = merge.lanes[lane].batch
        let count = Int(record.offsetCount)
        progress[lane].quarantined += count
        consumed += count
        quarantine.add(
            batch.rejections[record.rejectionIndex],
            partition: progress[lane].partition,
            offset: record.offset,
            offsetCount: record.offsetCount,
            payload: settings.decode.keepsRejectedPayloads
                ? batch.rejectedPayloads[record.rejectionIndex] : nil
        )
        let total = progress.reduce(0) { $0 + $1.quarantined }
        if let limit = settings.quarantinedMax, total > limit {
            throw PipelineError(
                "\(total) records are quarantined, more than quarantine.max_rejected: \(limit); "
                    + "the last is \(progress[lane].partition.name)"
                    + "/\(progress[lane].partition.number) offset \(record.offset): "
                    + batch.rejections[record.rejectionIndex].detail
            )
        }
    }

    // MARK: Fetching

    /// In a live run a partition that was at its end may have more by now.
    private mutating func fetchEmptyLanes() throws {
        for lane in merge.lanes.indices where merge.isEmpty(lane: lane) {
            try fetch(lane)
        }
    }

    private mutating func fetch(_ lane: Int) throws {
        let kept = sample.keptPayloads
        try merge.refill(lane: lane) { (batch) throws(SourceError) in
            try reader.fetch(partition: lane, keeping: kept, into: &batch)
        }
    }

    /// Live, the clock as of which every partition that has nothing to offer is known to be at its end.
    private var caughtUpClock: Int64 {
        var least = Int64.max
        for lane in merge.lanes.indices where merge.isEmpty(lane: lane) {
            least = min(least, reader.clockAtEnd(partition: lane))
        }
        return least
    }

    // MARK: State

    /// Copies the state between two records.
    /// - Parameter spare: An earlier copy of the network that nobody needs any more: then nothing large
    ///   is allocated.
    public func copyState(reusing spare: consuming NetworkState? = nil) -> PipelineState {
        var lengths: [String: Int64] = [:]
        lengths["quarantine"] = quarantine.length
        lengths["examples"] = sink.examples?.length
        return PipelineState(
            learner: sink.learner.copyState(reusing: spare),
            joiner: joiner,
            order: order,
            progress: progress,
            sample: sample,
            skips: zip(progress, skips).flatMap { progress, skips in
                skips.filter { $0.last >= progress.position }
            },
            sideFiles: lengths,
            now: settings.now,
            kernelPath: sink.learner.network.kernelPath
        )
    }

    /// A copy of the network with nothing in it, for `copyState` to reuse.
    public var emptyNetworkState: NetworkState { sink.learner.network.emptyState }

    /// The operator's word that what is silent is real; see `Joiner.acceptSilence`. It is not in the
    /// stream: a replay does not know of it.
    public mutating func acceptSilence() { joiner.acceptSilence() }

    /// Makes the side files durable up to the lengths that a copy of the state would name.
    /// - Throws: `PipelineError` if the examples cannot be written. A quarantine file that cannot be
    ///   written is logged instead, and written later.
    public func syncSideFiles() throws(PipelineError) {
        quarantine.sync()
        try sink.examples?.sync()
    }

    // MARK: Others

    /// Tells others how far a snapshot that is durable has come.
    public mutating func commit(_ saved: [PartitionProgress]) {
        let positions = progress.map { progress in
            saved.first { $0.partition == progress.partition }?.position ?? progress.position
        }
        reader.commit(positions: positions)
    }

    /// Waits until what was committed has arrived, at most the given time.
    public mutating func finishCommit(milliseconds: Int) {
        reader.finishCommit(milliseconds: milliseconds)
    }

    // MARK: Figures

    /// `Int64.min` before anything was applied.
    public var streamTime: Int64 { joiner.streamTime }
    public var partitions: [Partition] { progress.map(\.partition) }
    /// The join's books; quarantined records are in `consumed` only.
    public var ledger: Ledger { joiner.ledger }
    /// Which events are silent and hold windows back; see `Joiner.silence`.
    public var silence: SilenceReport { SilenceReport(joiner.silence) }
    public var openImpressionCount: Int { joiner.openImpressionCount }
    public var heldEventCount: Int { joiner.heldEventCount }
    public var metrics: MetricsReport { sink.learner.metrics.report() }
    public var skippedUpdates: Int { sink.learner.counts.skippedUpdates }
    /// Share of the input read so far, where the source knows its size.
    public var fractionRead: Double? { reader.fractionRead }
}

/// Files beside the state.
public struct SideFilePaths: Equatable, Sendable {
    public var quarantine: String?
    public var examples: String?

    public init(quarantine: String? = nil, examples: String? = nil) {
        self.quarantine = quarantine
        self.examples = examples
    }
}

/// Records applied before a turn returns: a few milliseconds of work.
private let recordsPerTurn = 1024
