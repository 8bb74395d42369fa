internal import Decode
internal import Events
internal import Source

/// The first two stages of the data path: records of one partition at a time, read and decoded.
struct DecodedSource<Source: RecordSource & ~Copyable>: ~Copyable {
    var source: Source
    private var decoder: EventDecoder
    private let roles: [Role]
    /// Per partition, the offsets to leave out.
    private let skips: [[OffsetRange]]
    private let now: Int64

    init(_ source: consuming Source, settings: PipelineSettings, skips: [[OffsetRange]]) {
        roles = source.partitions.map(\.role)
        decoder = EventDecoder(schema: settings.schema, settings: settings.decode)
        now = settings.now
        self.skips = skips
        self.source = source
    }

    /// Appends the next records of a partition to `batch`: a bounded number, none if there are none now.
    /// - Parameter kept: which impressions are wanted as they came, too.
    /// - Throws: as the source does; what came before is in the batch then.
    mutating func fetch(
        partition index: Int,
        keeping kept: EventDecoder.KeptPayloads,
        into batch: inout EventBatch
    ) throws(SourceError) {
        decoder.keptPayloads = kept
        let role = roles[index]
        let skips = skips[index]
        try source.fetch(partition: index) { header, content, payload in
            let origin = RecordOrigin(
                partition: Int32(index),
                role: role,
                offset: header.offset,
                offsetCount: header.offsetCount,
                recordTime: header.timestamp ?? now
            )
            if skips.contains(where: { $0.contains(header.offset) }) {
                return decoder.reject(.skipped, from: origin, into: &batch)
            }
            switch content {
            case .payload: decoder.decode(payload, from: origin, into: &batch)
            case .null: decoder.reject(.null, from: origin, into: &batch)
            case .corrupt: decoder.reject(.corrupt, from: origin, into: &batch)
            case .tooLarge(let byteCount):
                decoder.reject(.tooLarge(byteCount: byteCount), from: origin, into: &batch)
            }
        }
    }

    /// What is known of a partition after a fetch.
    /// - Parameter clock: the learner's when the fetch began; nil in a replay.
    func standing(partition index: Int, clock: Int64?) -> PartitionStanding {
        PartitionStanding(isAtEnd: source.isAtEnd(partition: index), clock: clock ?? .max)
    }
}
