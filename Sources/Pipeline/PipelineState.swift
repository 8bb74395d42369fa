internal import Events
public import Join
public import Learn
public import Order
public import Snapshot
internal import StateCoding

/// Everything needed to continue, copied between two records: a value of its own, so that it can be
/// written while the learner goes on.
public struct PipelineState: Sendable {
    public internal(set) var learner: LearnerState
    public internal(set) var joiner: Joiner
    public internal(set) var order: StreamOrder
    public internal(set) var progress: [PartitionProgress]
    public internal(set) var sample: ImpressionSample
    /// Offsets still to be left out when they come.
    public internal(set) var skips: [OffsetRange]
    /// Lengths of the files beside the state.
    public internal(set) var sideFiles: [String: Int64]
    /// See `PipelineSettings.now`; that of the first run.
    public internal(set) var now: Int64
    public internal(set) var kernelPath: String

    /// Events consumed so far, quarantined ones included.
    public var consumed: Int {
        joiner.ledger.consumed.reduce(0, +) + progress.reduce(0) { $0 + $1.quarantined }
    }

    /// The state as files, in the canonical order of the digest; the sample of impressions is not in it.
    public func sections() -> [Section] {
        var learned = StateWriter()
        learner.statistics.encode(to: &learned)
        learner.metrics.encode(to: &learned)
        learner.counts.encode(to: &learned)
        var joined = StateWriter()
        joiner.encode(to: &joined)
        var sampled = StateWriter()
        sample.encode(to: &sampled)
        return [
            Section(name: "parameters", content: .floats(learner.network.parameters)),
            Section(name: "optimizer", content: .floats(learner.network.optimizerState)),
            Section(name: "learner", content: .bytes(learned.bytes)),
            Section(name: "join", content: .bytes(joined.bytes)),
            Section(name: ImpressionSample.sectionName, content: .bytes(sampled.bytes)),
        ]
    }

    /// The `state_digest`: parameters, optimizer state, feature statistics, metrics and training
    /// counts, join state with its books and stream time. What was quarantined is in none of them.
    public static func digest(of sections: [Section]) -> String {
        var digest = StateDigest()
        for section in sections where section.name != ImpressionSample.sectionName {
            section.content.withBytes { bytes in digest.update(bytes) }
        }
        return digest.text
    }

    /// What the state amounts to.
    public func summary(stateDigest: String) -> Summary {
        var summary = Summary(
            trained: .init(ctr: learner.counts.trainedCTR, ctcvr: learner.counts.trainedCTCVR),
            skippedUpdates: learner.counts.skippedUpdates,
            disordered: order.disordered,
            metrics: learner.metrics.report(),
            streamTime: joiner.streamTime == .min ? nil : joiner.streamTime,
            silence: SilenceReport(joiner.silence),
            stateDigest: stateDigest
        )
        summary.partitions = partitionCounts()
        for counts in summary.partitions {
            let role = counts.partition.role
            summary.consumed[role] += counts.consumed
            for place in Place.allCases { summary[place][role] += counts[place] }
        }
        return summary
    }

    /// The law's books, per partition.
    private func partitionCounts() -> [PartitionCounts] {
        progress.enumerated().map { index, progress in
            var counts = PartitionCounts(progress.partition)
            counts.consumed = joiner.ledger.consumed(partition: index) + progress.quarantined
            for place in Place.allCases {
                counts[place] = joiner.ledger.count(place, partition: index)
            }
            counts[.quarantined] += progress.quarantined
            return counts
        }
    }
}
