public import StateCoding

/// How often which delay was seen, in milliseconds, apart for what came within its window and what
/// came too late.
///
/// Buckets are log-spaced: delays below 8 have one each, then every power of two is divided into 8
/// equal ones, so that a bucket is at most an eighth of its start wide. What is 2⁴⁰ (34 years) or
/// longer is in the last. Integer arithmetic only, so the same everywhere.
public struct DelayHistogram: Equatable, Sendable {
    /// [bucketCount]
    public private(set) var withinWindow = [Int](repeating: 0, count: bucketCount)
    /// [bucketCount]
    public private(set) var tooLate = [Int](repeating: 0, count: bucketCount)

    public static let bucketCount = (longestBits - subdivisionBits + 1) << subdivisionBits
    private static let subdivisionBits = 3
    private static let longestBits = 40

    public init() {}

    /// The delays that a bucket counts: from the lower bound, inclusive, to the next one's.
    public static func lowerBound(ofBucket bucket: Int) -> Int64 {
        let part = Int64(bucket & (1 << subdivisionBits - 1))
        let octave = bucket >> subdivisionBits
        return octave == 0 ? part : (part + 1 << subdivisionBits) << (octave - 1)
    }

    /// The bucket of a delay, which is not negative.
    public static func bucket(of delay: Int64) -> Int {
        let delay = min(delay, 1 << longestBits - 1)
        let octave = max(Int64.bitWidth - subdivisionBits - delay.leadingZeroBitCount, 0)
        if octave == 0 { return Int(delay) }
        let part = Int(delay >> (octave - 1)) & (1 << subdivisionBits - 1)
        return octave << subdivisionBits + part
    }

    public var withinWindowCount: Int { withinWindow.reduce(0, +) }
    public var tooLateCount: Int { tooLate.reduce(0, +) }

    mutating func add(from start: Int64, to end: Int64, isLate: Bool) {
        let (delay, overflow) = end.subtractingReportingOverflow(start)
        let bucket = Self.bucket(of: overflow ? .max : max(delay, 0))
        if isLate { tooLate[bucket] += 1 } else { withinWindow[bucket] += 1 }
    }
}

extension DelayHistogram: StateCodable {
    /// The buckets that are not empty.
    public func encode(to writer: inout StateWriter) {
        let buckets = (0..<Self.bucketCount).filter { withinWindow[$0] + tooLate[$0] > 0 }
        writer.write(UInt32(buckets.count))
        for bucket in buckets {
            writer.write(UInt32(bucket))
            writer.write(Int64(withinWindow[bucket]))
            writer.write(Int64(tooLate[bucket]))
        }
    }

    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        var decoded = DelayHistogram()
        var next = 0
        for _ in 0..<(try reader.readCount(of: UInt32.self, elementSize: 20)) {
            let bucket = Int(try reader.read(UInt32.self))
            let withinWindow = try reader.read(Int64.self)
            let tooLate = try reader.read(Int64.self)
            let counts: ClosedRange<Int64> = 0...1 << 48
            guard (next..<Self.bucketCount).contains(bucket), counts.contains(withinWindow),
                counts.contains(tooLate), withinWindow + tooLate > 0
            else { throw StateError("join: the counts of delays are no histogram") }
            decoded.withinWindow[bucket] = Int(withinWindow)
            decoded.tooLate[bucket] = Int(tooLate)
            next = bucket + 1
        }
        self = decoded
    }
}
