import Decode
import Events
import Order
import Source

/// Where the benchmark's records stand.
func origin(_ role: Role, offset: Int) -> RecordOrigin {
    RecordOrigin(
        partition: Int32(role.rawValue),
        role: role,
        offset: Int64(offset),
        recordTime: 1 << 60
    )
}

/// As many records as a fetch from a file hands over.
private let batchCount = 256

/// Nanoseconds per record.
func decodeTime(
    _ records: RecordsInMemory,
    schema: FeatureSchema,
    settings: DecodeSettings
) -> Double {
    var decoder = EventDecoder(schema: schema, settings: settings)
    var batch = EventBatch()
    var offset = 0
    let time = processorSeconds {
        records.visit { payload in
            if batch.records.count == batchCount { batch.removeAll() }
            decoder.decode(payload, from: origin(.impression, offset: offset), into: &batch)
            offset += 1
        }
    }
    precondition(batch.rejections.isEmpty, "\(batch.rejections.first!)")
    return time * 1e9 / Double(records.ends.count)
}

/// Nanoseconds per record of a folder's only file.
/// - Parameter decoder: nil: payloads are only handed over.
func readTime(_ folder: String, decoder: consuming EventDecoder?) throws -> Double {
    var source = try FileSource(folder: folder, recordBytesMax: 1 << 20)
    var batch = EventBatch()
    var count = 0
    let time = try processorSeconds {
        while !source.isAtEnd(partition: 0) {
            batch.removeAll()
            try source.fetch(partition: 0) { header, _, payload in
                count += 1
                decoder?.decode(
                    payload,
                    from: origin(.impression, offset: Int(header.offset)),
                    into: &batch
                )
            }
            precondition(batch.rejections.isEmpty, "\(batch.rejections.first!)")
        }
    }
    return time * 1e9 / Double(count)
}

/// Decoded batches of three partitions, and the merge that takes their events in order.
struct MergeRun {
    /// By partition.
    private var batches: [[EventBatch]] = []
    private var eventCount = 0

    init(_ stream: RecordedStream, schema: FeatureSchema, settings: DecodeSettings) {
        var decoder = EventDecoder(schema: schema, settings: settings)
        for (role, records) in zip(Role.allCases, stream.records) {
            var batches = [EventBatch()]
            records.visit { payload in
                if batches[batches.count - 1].records.count == batchCount {
                    batches.append(EventBatch())
                }
                decoder.decode(
                    payload,
                    from: origin(role, offset: eventCount),
                    into: &batches[batches.count - 1]
                )
                eventCount += 1
            }
            self.batches.append(batches)
        }
    }

    /// Nanoseconds per event to select and take, filling the lanes apart.
    mutating func time() -> Double {
        var merge = EventMerge(
            carriedTimes: batches.map { _ in Int64.min },
            orderingDelay: 0
        )
        var next = batches.map { _ in 0 }
        var times: Int64 = 0
        var time = 0.0
        var isAtEnd = false
        while !isAtEnd {
            var wanted = -1
            time += processorSeconds {
                while wanted < 0 && !isAtEnd {
                    switch merge.select(clock: nil, isAtEnd: { next[$0] == batches[$0].count }) {
                    case .take(let lane): times ^= merge.take(lane: lane).event.time
                    case .fetch(let lane): wanted = lane
                    case .hold, .end: isAtEnd = true
                    }
                }
            }
            if wanted >= 0 {
                merge.refill(lane: wanted) {
                    $0.records.append(contentsOf: batches[wanted][next[wanted]].records)
                }
                next[wanted] += 1
            }
        }
        precondition(times != 0)
        return time * 1e9 / Double(eventCount)
    }
}
