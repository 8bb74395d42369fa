internal import CXXHash

/// The identity of an impression, click or conversion event: XXH3-128 of its text.
///
/// Every table of the join is keyed by it, so that its entries have one size whatever ids a producer
/// chooses. An integer id is hashed as its decimal text, hence 712 and "712" are the same id.
/// Two of n random ids collide with probability about n² / 2¹²⁹.
public struct EventID: Hashable, Sendable, BitwiseCopyable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// No id was given.
    public static var none: EventID { EventID(high: 0, low: 0) }

    public var isNone: Bool { high == 0 && low == 0 }

    /// One of 16 ids, the same ones everywhere.
    public var isChosen: Bool { low & 15 == 0 }

    /// The identity of an id's UTF-8 text.
    public init(text: Span<UInt8>) {
        let hash = unsafe text.withUnsafeBytes { unsafe xxhash3_128($0.baseAddress, $0.count) }
        self.init(high: hash.high, low: hash.low)
    }

    public init(_ text: String) {
        self.init(text: text.utf8Span.span)
    }
}
