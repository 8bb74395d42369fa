public import Events
public import Kafka

/// All partitions of the three topics of a Kafka cluster.
///
/// Offsets are handed over without gaps, or with gaps that compaction or transactions explain; a
/// record that is gone although it should be there is an error, never skipped. While brokers are away
/// the source has nothing to offer and waits; librdkafka reconnects by itself.
public struct KafkaSource: RecordSource, ~Copyable {
    public private(set) var partitions: [Partition]

    public let startPositions: [Int64]

    /// The end offset of each partition when the source was opened.
    public let endsAtStart: [Int64]

    var consumer: KafkaConsumer
    var progress: [PartitionProgress]
    let timeoutMilliseconds: Int
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
    ///   - resume: the next offset to read by partition, as a snapshot holds them. A partition that
    ///     was added to its topic since is read from its beginning.
    ///   - connectTimeoutMilliseconds: how long a broker may take to answer, here and wherever the
    ///     source has to ask.
    ///   - recordBytesMax: longer records are not handed over, only their length.
    ///   - warn: takes a line when librdkafka complains, for example that a broker is away.
    /// - Throws: a missing topic, a silent broker, a refused setting, a position that the topic does
    ///   not have any more, or not yet.
    public init(
        settings: KafkaSettings,
        topics: [Role: String],
        start: KafkaStart = .earliest,
        resume: [Partition: Int64] = [:],
        extent: KafkaExtent = .live,
        connectTimeoutMilliseconds: Int = 10_000,
        recordBytesMax: Int = 1 << 20,
        warn: @escaping (String) -> Void = { _ in }
    ) throws(SourceError) {
        var opening = try KafkaOpening(
            settings: settings,
            timeoutMilliseconds: connectTimeoutMilliseconds
        )
        try opening.lookUp(topics: topics)
        try opening.resolve(start: start, resume: resume)
        try opening.startReading()
        partitions = opening.partitions
        startPositions = opening.positions
        endsAtStart = opening.watermarks.map(\.high)
        progress = opening.positions.indices.map {
            PartitionProgress(
                position: opening.positions[$0],
                end: extent == .live ? Int64.max : opening.watermarks[$0].high
            )
        }
        timeoutMilliseconds = connectTimeoutMilliseconds
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
        for _ in 0..<Self.recordsPerFetch where progress[index].position < progress[index].end {
            switch try step(partition: index, into: receive) {
            case .nothing: return
            case .record: continue
            case .failure(let error, let offset) where error.isCorruptBatch:
                try passCorruptBatch(at: offset, partition: index, into: receive)
            case .failure(let error, _):
                try handle(error, partition: index)
            }
        }
    }

    public func isAtEnd(partition index: Int) -> Bool {
        let progress = progress[index]
        return progress.position >= progress.end || (progress.end == .max && progress.isAtEnd)
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

    /// Commits positions, by partition index, to the consumer group, for other tools to see. To be
    /// called when a snapshot that holds them is safe on disk. Waits for the broker.
    public func commit(positions: [Int64]) throws(SourceError) {
        precondition(positions.count == partitions.count)
        let entries = zip(partitions, positions).map {
            KafkaConsumer.Start(topic: $0.name, partition: $0.number, offset: $1)
        }
        do throws(KafkaError) {
            try consumer.commit(entries, timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw SourceError(error)
        }
    }

    mutating func warn(kind: String, line: String) {
        warnings.take(kind: kind, line: line)
    }

    var probe: KafkaProbe {
        KafkaProbe(settings: settings, timeoutMilliseconds: timeoutMilliseconds)
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
                        offset: $1.position
                    )
                }
            )
            consumer = fresh
        } catch {
            throw SourceError(error)
        }
        for index in progress.indices { progress[index].verifiedMessages = 0 }
    }

    private mutating func serve() {
        fetchesSinceServed = 0
        consumer.serve { warnings.take(kind: $0, line: $1) }
    }

    private enum Step {
        case nothing
        case record
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
            try explainGap(partition: index, before: message.offset)
            handOver(message, partition: index, into: receive)
        case .endOfPartition:
            reachEnd(message.offset, partition: index)
        case .failure(let error):
            return .failure(error, offset: message.offset)
        }
        return .record
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
struct PartitionProgress {
    /// The next offset to be handed over.
    var position: Int64
    /// Where to stop, exclusive.
    let end: Int64
    /// The broker has said that there is nothing at `position`, and nothing came since.
    var isAtEnd = false
    /// Messages whose gaps are known to be no losses, because they were read ahead before the
    /// partition's low watermark was found to be at or below the position.
    var verifiedMessages = 0

    init(position: Int64, end: Int64) {
        self.position = position
        self.end = end
    }
}

extension SourceError {
    init(_ error: KafkaError) {
        self.init(error.description)
    }
}
