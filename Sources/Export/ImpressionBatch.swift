/// Impressions that are scored together, as `FeatureSchema` encodes them, numbers raw.
public struct ImpressionBatch: Sendable {
    public private(set) var words: [UInt32] = []
    /// Where each impression's words are.
    public private(set) var ranges: [Range<Int>] = []

    public var count: Int { ranges.count }

    public init() {}

    public mutating func append(_ features: some Collection<UInt32>) {
        let start = words.count
        words += features
        ranges.append(start..<words.count)
    }

    public mutating func removeAll() {
        words.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
    }
}
