public import StateCoding

/// A copy of everything that a learner has learnt and counted. The network's parameters are one
/// part, the rest encodes itself.
public struct LearnerState: Sendable {
    public var network: NetworkState
    public var statistics: NumericStatistics
    public var metrics: Metrics
    public var counts: TrainingCounts
}

/// What training has done so far.
public struct TrainingCounts: Equatable, Sendable {
    /// CTR labels trained.
    public var trainedCTR = 0
    /// CTCVR labels trained.
    public var trainedCTCVR = 0
    /// Examples whose logit, loss or gradient was not finite; their labels are in neither count.
    public var skippedUpdates = 0

    public init() {}
}

extension TrainingCounts: StateCodable {
    public func encode(to writer: inout StateWriter) {
        for count in [trainedCTR, trainedCTCVR, skippedUpdates] { writer.write(Int64(count)) }
    }

    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        var counts: [Int] = []
        for _ in 0..<3 {
            let count = Int(try reader.read(Int64.self))
            guard Metrics.isCount(count) else {
                throw StateError("training count \(count) is out of range")
            }
            counts.append(count)
        }
        (trainedCTR, trainedCTCVR, skippedUpdates) = (counts[0], counts[1], counts[2])
    }
}
