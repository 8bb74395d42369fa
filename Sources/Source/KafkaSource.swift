public import Events
public import Kafka

/// All partitions of the three topics of a Kafka cluster.
///
/// Offsets are handed over without gaps, or with gaps that compaction or transactions explain; a
/// record that is gone although it should be there is an error, never skipped. While brokers are away
/// the source has nothing to offer and waits; librdkafka reconnects by itself.
public struct KafkaSource: RecordSource, ~Copyable {
    public private(set) var partitions: [Partition]

    /// The end offset of each partition when the source was opened.
    public let endsAtStart: [Int64]
    public let startPositions: [Int64]

    var consumer: KafkaConsumer
    var progress: [ReadProgress]
    var commits = OffsetCommit()
    let patience: Patience
    /// Whether a consumer group is named, to which positions can be committed.
    let hasGroup: Bool
    /// A wait was given up because of `shouldStop`: nothing more is handed over.
    var isStopped = false
    private let settings: KafkaSettings
    private let recordBytesMax: Int
    private var warnings: WarningLimiter
    private var fetchesSinceServed = 0

    /// Records that one fetch hands over at most.
    static let recordsPerFetch = 256
    /// How often a busy reader looks at what librdkafka has to say beside records.
    static let fetchesPerServing = 64

    /// Connects, looks up the topics, and starts to read ahead.
    ///
    /// - Parameters:
    ///   - settings: librdkafka's own.
    ///   - topics: the topic of each role.
    ///   - start: where to start if `resume` is empty.
    ///   - resume: where to go on by partition, as a snapshot holds it. A partition that was added to
    ///     its topic since is read from its beginning.
    ///   - connectTimeoutMilliseconds: how long a broker may take to answer, here and wherever the
    ///     source has to ask.
    ///   - recordBytesMax: longer records are not handed over, only their length.
    ///   - shouldStop: asked every 50 ms while a broker is waited for, here and wherever the source
    ///     has to ask; true ends the wait.
    ///   - warn: takes a line when librdkafka complains, for example that a broker is away.
    /// - Throws: a missing topic, a silent broker, a refused setting, a position that the topic does
    ///   not have any more, or not yet. With `isStop` if `shouldStop` ended it. That another record lies
    ///   before a position than was read there is noticed by the first fetch.
    public init(
        settings: KafkaSettings,
        topics: [Role: String],
        start: KafkaStart = .earliest,
        resume: [Partition: ResumePoint] = [:],
        extent: KafkaExtent = .live,
        connectTimeoutMilliseconds: Int = 10_000,
        recordBytesMax: Int = 1 << 20,
        shouldStop: @escaping () -> Bool = { false },
        warn: @escaping (String) -> Void = { _ in }
    ) throws(SourceError) {
        let patience = Patience(milliseconds: connectTimeoutMilliseconds, shouldStop: shouldStop)
        var opening = try KafkaOpening(settings: settings, patience: patience)
        try opening.lookUp(topics: topics)
        try opening.resolve(start: start, resume: resume)
        let progress = opening.positions.indices.map { index in
            let marks = opening.watermarks[index]
            let position = opening.positions[index]
            return ReadProgress(
                position: position,
                end: extent == .live ? Int64.max : marks.high,
                lastPayloadHash: position > marks.low
                    ? resume[opening.partitions[index]]?.lastPayloadHash : nil
            )
        }
        try opening.startReading(progress)
        partitions = opening.partitions
        endsAtStart = opening.watermarks.map(\.high)
        startPositions = opening.positions
        self.progress = progress
        self.patience = patience
        hasGroup = settings.values["group.id"].map { !$0.isEmpty } ?? false
        self.settings = settings
        self.recordBytesMax = recordBytesMax
        warnings = WarningLimiter(warn: warn)
        consumer = opening.consumer
    }

    public mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        fetchesSinceServed += 1
        if fetchesSinceServed == Self.fetchesPerServing { serve() }
        for _ in 0..<Self.recordsPerFetch
        where !progress[index].isFinished && !isStopped {
            switch try step(partition: index, into: receive) {
            case .nothing: return
            case .record: continue
            case .unexplained: try restart()
            case .failure(let error, let offset) where error.isCorruptBatch:
                try passCorruptBatch(at: offset, partition: index, into: receive)
            case .failure(let error, _):
                try handle(error, partition: index)
            }
        }
    }

    public func isAtEnd(partition index: Int) -> Bool {
        let progress = progress[index]
        if isStopped { return false }
        return progress.isFinished || (progress.end == .max && progress.isAtEnd)
    }

    public mutating func wait(milliseconds: Int) {
        serve()
        consumer.wait(milliseconds: milliseconds)
    }

    /// How many offsets lie between what was handed over and the partition's end as last heard of;
    /// nil before anything was heard.
    public func backlog(partition index: Int) -> Int64? {
        let partition = partitions[index]
        return consumer.knownEnd(topic: partition.name, partition: partition.number)
            .map { max(0, $0 - progress[index].position) }
    }

    /// Share of the offsets up to the ends at the start that were handed over; nil when live.
    public var fractionRead: Double? {
        var total: Int64 = 0
        var done: Int64 = 0
        for index in progress.indices {
            if progress[index].end == .max { return nil }
            total += max(0, progress[index].end - startPositions[index])
            done += max(0, progress[index].position - startPositions[index])
        }
        return total == 0 ? 1 : Double(done) / Double(total)
    }

    mutating func warn(kind: String, line: String) {
        warnings.take(kind: kind, line: line)
    }

    var probe: KafkaProbe {
        KafkaProbe(settings: settings, patience: patience)
    }

    /// Reads on from the positions with a new consumer; what was read ahead is read again.
    mutating func restart() throws(SourceError) {
        do throws(KafkaError) {
            var fresh = try KafkaConsumer(settings: settings)
            try fresh.assign(
                zip(partitions, progress).map {
                    KafkaConsumer.Start(
                        topic: $0.name,
                        partition: $0.number,
                        offset: $1.firstRead
                    )
                }
            )
            consumer = fresh
        } catch {
            throw SourceError(error)
        }
        for index in progress.indices { progress[index].verifiedMessages = 0 }
        commits.resend()
    }

    private mutating func serve() {
        fetchesSinceServed = 0
        consumer.serve { warnings.take(kind: $0, line: $1) }
        serveCommits()
    }

    private enum Step {
        case nothing
        case record
        /// Something that has to be read again: a record behind a gap that could not be explained now,
        /// or what lies at the position.
        case unexplained
        case failure(KafkaError, offset: Int64)
    }

    /// Takes one message from the partition's queue. It is gone when this returns, as it must be:
    /// a consumer cannot be replaced while one of its messages lives.
    private mutating func step(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) -> Step {
        guard let message = consumer.next(partition: index) else { return .nothing }
        switch message.kind {
        case .record:
            if try isLastRecord(message, partition: index) { return .record }
            guard try isGapExplained(partition: index, before: message.offset) else {
                return .unexplained
            }
            handOver(message, partition: index, into: receive)
        case .endOfPartition:
            progress[index].lastPayloadHash = nil
            reachEnd(message.offset, partition: index)
        case .failure(let error):
            // What was read before need not be readable any more.
            if progress[index].lastPayloadHash != nil, !error.isTransient {
                progress[index].lastPayloadHash = nil
                return .unexplained
            }
            return .failure(error, offset: message.offset)
        }
        return .record
    }

    /// Reading resumes one record early: at the one that was read last, if nothing has removed it.
    /// - Throws: if another record is there now.
    private mutating func isLastRecord(
        _ message: borrowing KafkaMessage,
        partition index: Int
    ) throws(SourceError) -> Bool {
        guard let hash = progress[index].lastPayloadHash else { return false }
        progress[index].lastPayloadHash = nil
        guard message.offset == progress[index].position - 1 else { return false }
        if !message.isNull, message.withPayload({ xxHash3($0) }) == hash { return true }
        let partition = partitions[index]
        throw SourceError(
            "\(partition.name) partition \(partition.number): the record at offset "
                + "\(message.offset) is not the one that was read there before: the topic was "
                + "recreated; bring the old one back, or start over (a new state, or a new "
                + "folder for a record)"
        )
    }

    private mutating func handOver(
        _ message: borrowing KafkaMessage,
        partition index: Int,
        into receive: RecordReceiver
    ) {
        let offset = message.offset
        // Beyond a replay's end, or read twice around a seek.
        guard offset < progress[index].end else {
            progress[index].position = progress[index].end
            return
        }
        guard offset >= progress[index].position else { return }
        progress[index].position = offset + 1
        progress[index].isAtEnd = false
        let header = RecordHeader(offset: offset, timestamp: message.timestamp)
        if message.isNull {
            receive(header, .null, Span())
        } else if message.byteCount > recordBytesMax {
            receive(header, .tooLarge(byteCount: message.byteCount), Span())
        } else {
            message.withPayload { receive(header, .payload, $0) }
        }
    }

    private mutating func reachEnd(_ offset: Int64, partition index: Int) {
        // The last offsets may be a transaction's markers, or compacted away: no record comes.
        guard offset >= progress[index].position else { return }
        progress[index].isAtEnd = true
        progress[index].position = offset
    }
}

/// How far a partition has been handed over.
struct ReadProgress {
    /// The next offset to be handed over.
    var position: Int64
    /// Where to stop, exclusive.
    let end: Int64
    /// The broker has said that there is nothing at `position`, and nothing came since.
    var isAtEnd = false
    /// Messages whose gaps are known to be no losses, because they were read ahead before the
    /// partition's low watermark was found to be at or below the position.
    var verifiedMessages = 0
    /// XXH3-64 of the payload of the record before the position, until that has been compared.
    var lastPayloadHash: UInt64?

    init(position: Int64, end: Int64, lastPayloadHash: UInt64? = nil) {
        self.position = position
        self.end = end
        self.lastPayloadHash = lastPayloadHash
    }

    /// Where a consumer starts.
    var firstRead: Int64 { lastPayloadHash == nil ? position : position - 1 }
    /// Whether there is nothing more to be read, ever.
    var isFinished: Bool { position >= end && lastPayloadHash == nil }
}

extension SourceError {
    init(_ error: KafkaError) {
        self.init(error.description)
        isStop = error.isStop
        isRefusedSetting = error.code == "_INVALID_ARG"
    }
}
