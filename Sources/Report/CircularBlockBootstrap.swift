internal import Foundation

/// Resamples of a series whose neighbours may depend on one another.
///
/// The circular block bootstrap (Politis & Romano 1992): blocks of ℓ consecutive items, which may wrap
/// around the end, are drawn with replacement until the series is full. Overlapping blocks give less
/// variable answers than disjoint ones (Künsch 1989; Lahiri, Annals of Statistics 27, 1999), and the
/// circle gives each item the same chance, which plain moving blocks deny the ends.
/// ℓ = ⌈m^⅓⌉ of m items is the order that is optimal for a variance (Hall, Horowitz & Jing,
/// Biometrika 82, 1995).
///
/// The draws are SplitMix64's, so that a seed gives the same resamples everywhere: the n-th block
/// starts at item ⌊x·m / 2⁶⁴⌋ of the n-th number x.
public struct CircularBlockBootstrap: Sendable {
    public let itemCount: Int
    public let blockLength: Int
    private var state: UInt64

    /// - Parameter itemCount: positive.
    public init(itemCount: Int, seed: UInt64) {
        precondition(itemCount > 0, "a resample of nothing")
        self.itemCount = itemCount
        blockLength = Self.blockLength(itemCount: itemCount)
        state = seed
    }

    /// ⌈m^⅓⌉
    public static func blockLength(itemCount: Int) -> Int {
        var length = 1
        while length * length * length < itemCount { length += 1 }
        return length
    }

    /// How often each item is in the next resample; they sum to `itemCount`.
    public mutating func next() -> [Int] {
        var multiplicities = Array(repeating: 0, count: itemCount)
        var drawn = 0
        while drawn < itemCount {
            let start = Int(nextNumber().multipliedFullWidth(by: UInt64(itemCount)).high)
            // The last block is cut off.
            let length = min(blockLength, itemCount - drawn)
            for offset in 0..<length { multiplicities[(start + offset) % itemCount] += 1 }
            drawn += length
        }
        return multiplicities
    }

    /// The percentile interval of a statistic's resampled values, quantiles interpolated linearly.
    ///
    /// - Parameter confidence: such as 0.95.
    public static func interval(
        of values: [Double],
        confidence: Double
    ) -> (low: Double, high: Double)? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        func quantile(_ share: Double) -> Double {
            let rank = share * Double(sorted.count - 1)
            let below = Int(rank)
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (rank - Double(below)) * (sorted[above] - sorted[below])
        }
        return (quantile((1 - confidence) / 2), quantile((1 + confidence) / 2))
    }

    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    private mutating func nextNumber() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
