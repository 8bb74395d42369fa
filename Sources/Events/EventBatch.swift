/// What became of one record: an event, a rejection, or a conversion of a type that was not chosen.
public struct DecodedRecord: Sendable {
    public enum Kind: UInt8, Sendable, BitwiseCopyable {
        case event
        case rejected
        /// A conversion whose type the configuration does not count. It is in no count of the law.
        case unchosen
    }

    public var kind: Kind
    /// Meaningful only if `kind` is `event`.
    public var event: Event
    /// The record's offset in its partition; a file's line number.
    public var offset: Int64
    /// How many offsets this record stands for: 1, or the range of a corrupt batch.
    public var offsetCount: Int64
    /// XXH3-64 of the payload, by which a recreated topic is noticed; 0 where it was not looked at.
    public var payloadHash: UInt64
    /// The features' words, in the batch's `words`.
    public var featureRange: Range<Int>
    /// The impression id's UTF-8 text, in the batch's `text`.
    public var textRange: Range<Int>
    /// The record as it came, in the batch's `payloads`; empty where it is not kept.
    public var payloadRange: Range<Int>
    /// Index into the batch's `rejections` if `kind` is `rejected`, -1 otherwise.
    public var rejectionIndex: Int

    public init(
        kind: Kind,
        event: Event,
        offset: Int64,
        offsetCount: Int64 = 1,
        payloadHash: UInt64 = 0,
        featureRange: Range<Int> = 0..<0,
        textRange: Range<Int> = 0..<0,
        payloadRange: Range<Int> = 0..<0,
        rejectionIndex: Int = -1
    ) {
        self.kind = kind
        self.event = event
        self.offset = offset
        self.offsetCount = offsetCount
        self.payloadHash = payloadHash
        self.featureRange = featureRange
        self.textRange = textRange
        self.payloadRange = payloadRange
        self.rejectionIndex = rejectionIndex
    }
}

/// Consecutive decoded records of one partition, in the order of their offsets. Its storage is
/// reused from fetch to fetch, so that in steady state nothing is allocated per event.
public struct EventBatch: Sendable {
    public var records: [DecodedRecord] = []
    /// Encoded features of all impressions in the batch.
    public var words: [UInt32] = []
    /// Id texts of all impressions in the batch.
    public var text: [UInt8] = []
    /// Impressions as they came, of those that may enter the sample.
    public var payloads: [UInt8] = []
    public var rejections: [Rejection] = []
    /// Payloads of rejected records, kept only if the quarantine file is to hold them.
    public var rejectedPayloads: [[UInt8]] = []

    public init() {}

    /// What it holds, about.
    public var byteCount: Int {
        records.count * MemoryLayout<DecodedRecord>.stride
            + words.count * MemoryLayout<UInt32>.stride + text.count + payloads.count
            + rejectedPayloads.reduce(0) { $0 + $1.count }
    }

    public mutating func removeAll() {
        records.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        payloads.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
        rejectedPayloads.removeAll(keepingCapacity: true)
    }
}
