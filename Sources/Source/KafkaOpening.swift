internal import Events
internal import Kafka

/// The steps from settings to a consumer that reads: which partitions there are, which offsets they
/// hold, and where to start in each.
struct KafkaOpening: ~Copyable {
    private(set) var partitions: [Partition] = []
    private(set) var watermarks: [Watermarks] = []
    private(set) var positions: [Int64] = []
    private(set) var consumer: KafkaConsumer
    private let patience: Patience

    init(settings: KafkaSettings, patience: Patience) throws(SourceError) {
        self.patience = patience
        do throws(KafkaError) {
            consumer = try KafkaConsumer(settings: settings)
        } catch {
            throw SourceError(error)
        }
    }

    /// Finds the topics' partitions, by role and number, and the offsets that they hold.
    mutating func lookUp(topics: [Role: String]) throws(SourceError) {
        do throws(KafkaError) {
            let byRole = topics.sorted { $0.key.rawValue < $1.key.rawValue }
            let counts = try consumer.partitionCounts(
                of: byRole.map(\.value),
                timeoutMilliseconds: patience.milliseconds,
                shouldStop: patience.shouldStop
            )
            for ((role, topic), count) in zip(byRole, counts) {
                partitions += (0..<Int32(count)).map {
                    Partition(role: role, name: topic, number: $0)
                }
            }
            watermarks = try consumer.watermarks(
                of: partitions.map { ($0.name, $0.number) },
                timeoutMilliseconds: patience.milliseconds,
                shouldStop: patience.shouldStop
            )
        } catch {
            throw SourceError(error)
        }
    }

    /// Finds where each partition starts.
    mutating func resolve(
        start: KafkaStart,
        resume: [Partition: ResumePoint]
    ) throws(SourceError) {
        guard resume.isEmpty else { return try resolve(resume: resume) }
        switch start {
        case .earliest: positions = watermarks.map(\.low)
        case .latest: positions = watermarks.map(\.high)
        case .timestamp(let time):
            do throws(KafkaError) {
                let offsets = try consumer.offsets(
                    atTime: time,
                    of: partitions.map { ($0.name, $0.number) },
                    timeoutMilliseconds: patience.milliseconds,
                    shouldStop: patience.shouldStop
                )
                positions = zip(offsets, watermarks).map { $0 ?? $1.high }
            } catch {
                throw SourceError(error)
            }
        }
    }

    private mutating func resolve(resume: [Partition: ResumePoint]) throws(SourceError) {
        let missing = resume.keys.filter { !partitions.contains($0) }
            .min { ($0.name, $0.number) < ($1.name, $1.number) }
        if let missing {
            throw SourceError(
                "the saved state has a position in \(missing.role.plural) topic \(missing.name) "
                    + "partition \(missing.number), which does not exist: "
                    + "configure the topics that the state was made from, or start a new state"
            )
        }
        for (partition, marks) in zip(partitions, watermarks) {
            let position = resume[partition]?.position ?? marks.low
            if let lost = PositionLost(partition, position: position, watermarks: marks) {
                throw lost.error
            }
            positions.append(position)
        }
    }

    /// Lets the consumer read on.
    mutating func startReading(_ progress: [ReadProgress]) throws(SourceError) {
        do throws(KafkaError) {
            try consumer.assign(
                zip(partitions, progress).map {
                    KafkaConsumer.Start(
                        topic: $0.name,
                        partition: $0.number,
                        offset: $1.firstRead
                    )
                }
            )
        } catch {
            throw SourceError(error)
        }
    }
}

/// A position that the partition does not hold: passed by retention, or beyond the end.
struct PositionLost {
    let error: SourceError

    /// nil if the position is fine: a record that is still there, or the next one to come.
    init?(_ partition: Partition, position: Int64, watermarks: Watermarks) {
        let place = "\(partition.name) partition \(partition.number)"
        if position < watermarks.low {
            error = SourceError(
                "\(place): the next record to read, offset \(position), is gone: the earliest "
                    + "available is \(watermarks.low), so retention removed "
                    + "\(watermarks.low - position) offsets unread; start over (a new state, or a "
                    + "new folder for a record), and give the topic a longer retention"
            )
        } else if position > watermarks.high {
            error = SourceError(
                "\(place): the next record to read, offset \(position), is beyond the end "
                    + "(earliest available \(watermarks.low), end \(watermarks.high)): the topic was "
                    + "recreated, or lost records; start over (a new state, or a new folder for a "
                    + "record)"
            )
        } else {
            return nil
        }
    }
}
