internal import Decode
public import Events
public import StateCoding

/// Recent impressions as they came: an export is verified on them, compared with the published model,
/// and given to clients to test their own code. It is part of a snapshot but not of the digest: nothing
/// that is learnt depends on it.
///
/// Until it is full every impression enters; from then on one of 16, chosen by their ids, replaces the
/// oldest, so that the sample is the same however the records arrived.
public struct ImpressionSample: Sendable {
    /// A longer record is not kept, bytes.
    public static let payloadBytesMax = 8_192
    /// The most impressions that can be asked for.
    public static let capacityMax = 4_096

    /// The name of its section of a snapshot.
    public static let sectionName = "sample"

    public let capacity: Int
    private var payloads: [[UInt8]] = []
    /// Where the oldest is, once it is full.
    private var oldest = 0

    public init(capacity: Int) {
        self.capacity = min(max(capacity, 0), Self.capacityMax)
    }

    public var isFull: Bool { payloads.count == capacity }

    /// What a decoder has to keep for what may enter.
    var keptPayloads: EventDecoder.KeptPayloads {
        capacity == 0 ? .none : isFull ? .chosen : .all
    }

    /// The records' payloads, oldest first.
    public var records: [[UInt8]] { Array(payloads[oldest...] + payloads[..<oldest]) }

    /// Takes an impression in if it is its turn.
    public mutating func offer(_ id: EventID, payload: Span<UInt8>) {
        guard capacity > 0, !payload.isEmpty, payload.count <= Self.payloadBytesMax else { return }
        if !isFull {
            payloads.append(payload.indices.map { payload[$0] })
        } else if id.isChosen {
            payloads[oldest].removeAll(keepingCapacity: true)
            unsafe payload.withUnsafeBufferPointer {
                unsafe payloads[oldest].append(contentsOf: $0)
            }
            oldest = (oldest + 1) % capacity
        }
    }

    /// The newest of another sample, as many as fit.
    public mutating func take(_ other: ImpressionSample) {
        payloads = Array(other.records.suffix(capacity))
        oldest = 0
    }
}

extension ImpressionSample: StateCodable {
    public func encode(to writer: inout StateWriter) {
        writer.write(UInt32(payloads.count))
        for record in records {
            writer.write(UInt32(record.count))
            writer.write(bytes: record.span)
        }
    }

    /// Reads what a sample of any capacity wrote; this one keeps the newest.
    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        let count = try reader.readCount(of: UInt32.self, elementSize: 4)
        guard count <= Self.capacityMax else {
            throw StateError("a sample of \(count) impressions, more than \(Self.capacityMax)")
        }
        var whole = ImpressionSample(capacity: count)
        for _ in 0..<count {
            let length = try reader.readCount(of: UInt32.self, elementSize: 1)
            guard length <= Self.payloadBytesMax else {
                throw StateError("a sampled impression of \(length) bytes")
            }
            whole.payloads.append(try reader.readBytes(count: length))
        }
        take(whole)
    }
}
