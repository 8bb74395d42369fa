import Configure
import Decode
import Events
import Source

/// Labelled impressions in memory, in the order of a stream: what a learner alone is timed on.
struct TrainingExamples {
    private(set) var words: [UInt32] = []
    /// Of impression i: from `ends[i - 1]` to `ends[i]`.
    private var ends: [Int] = []
    private(set) var labels: [Labels] = []

    var count: Int { ends.count }

    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    mutating func append(_ features: Span<UInt32>, clicked: Bool, converted: Bool) {
        for index in features.indices { words.append(features[index]) }
        ends.append(words.count)
        labels.append(Labels(ctr: clicked, ctcvr: converted))
    }
}

extension TrainingExamples {
    /// The impressions of a folder of event files with the outcomes that its clicks and conversions
    /// tell, all known at once.
    init(folder: String, configuration: Configuration, countMax: Int) throws {
        var source = try FileSource(
            folder: folder,
            recordBytesMax: configuration.decode.recordBytesMax
        )
        var decoder = EventDecoder(
            schema: configuration.schema,
            settings: configuration.decode
        )
        var clicked: Set<EventID> = []
        var converted: Set<EventID> = []
        var impressions: [EventID] = []
        // Outcomes first: they are the later partitions.
        for partition in source.partitions.indices.reversed() {
            let role = source.partitions[partition].role
            var batch = EventBatch()
            while !source.isAtEnd(partition: partition), impressions.count < countMax {
                batch.removeAll()
                try source.fetch(partition: partition) { header, _, payload in
                    let origin = RecordOrigin(
                        partition: Int32(partition),
                        role: role,
                        offset: header.offset,
                        recordTime: .max
                    )
                    decoder.decode(payload, from: origin, into: &batch)
                }
                for record in batch.records where record.kind == .event {
                    let id = record.event.impressionID
                    switch role {
                    case .click: clicked.insert(id)
                    case .conversion: converted.insert(id)
                    case .impression:
                        guard impressions.count < countMax else { break }
                        impressions.append(id)
                        append(
                            batch.words.span.extracting(record.featureRange),
                            clicked: clicked.contains(id),
                            converted: converted.contains(id)
                        )
                    }
                }
            }
        }
    }
}
