import Configure
import Events
import Foundation
import Join
import Learn
import Pipeline
import Report
import Source

/// What a report needs of a pipeline's end beyond the summary.
struct ReportFigures: Sendable {
    var books: [PartitionBooks]
    var metrics: Metrics
    var delays: [DelayDistribution]

    init<Source: RecordSource & ~Copyable>(_ pipeline: borrowing Pipeline<Source>) {
        let state = pipeline.copyState()
        let ledger = state.joiner.ledger
        books = state.progress.enumerated().map { index, progress in
            var counts = Place.allCases.map { ledger.count($0, partition: index) }
            counts[Place.quarantined.rawValue] += progress.quarantined
            return PartitionBooks(
                partition: progress.partition,
                consumed: ledger.consumed(partition: index) + progress.quarantined,
                counts: counts
            )
        }
        metrics = state.learner.metrics
        let join = state.joiner
        delays = [
            DelayDistribution(join.delays.clicks, of: .click, window: join.settings.clickWindow),
            DelayDistribution(
                join.delays.conversions,
                of: .conversion,
                window: join.settings.conversionWindow
            ),
        ]
    }
}

extension DelayDistribution {
    /// The joiner's buckets, four at a time, which is as fine as a drawing shows.
    fileprivate init(_ histogram: DelayHistogram, of role: Role, window: Int64) {
        let merged = stride(from: 0, to: DelayHistogram.bucketCount, by: 4).map { first in
            let end = min(first + 4, DelayHistogram.bucketCount)
            return Bucket(
                lower: DelayHistogram.lowerBound(ofBucket: first),
                upper: DelayHistogram.lowerBound(ofBucket: end),
                within: histogram.withinWindow[first..<end].reduce(0, +),
                late: histogram.tooLate[first..<end].reduce(0, +)
            )
        }
        self.init(role: role, buckets: merged.filter { $0.within + $0.late > 0 }, window: window)
    }
}

/// Groups of the report's reliability diagrams.
private let reliabilityGroups = 20

extension ReportRun {
    init(
        name: String,
        newest: (name: String, body: SnapshotBody),
        figures: ReportFigures,
        configuration: Configuration
    ) {
        let summary = newest.body.summary
        self.init(
            name: name,
            snapshot: newest.name,
            stateDigest: summary.stateDigest,
            streamTime: summary.streamTime,
            books: figures.books,
            trainedCTR: summary.trained.ctr,
            trainedCTCVR: summary.trained.ctcvr,
            skippedUpdates: summary.skippedUpdates,
            disordered: summary.disordered,
            silences: [
                (Role.click, summary.silence.clicks), (.conversion, summary.silence.conversions),
            ].compactMap { role, silence in
                silence.map {
                    SilentEvents(
                        role: role,
                        since: $0.since,
                        rate: $0.rate,
                        trailingRate: $0.trailingRate
                    )
                }
            },
            metrics: summary.metrics,
            series: figures.metrics.series,
            immatureSeries: figures.metrics.immatureSeries,
            reliability: figures.metrics.reliability(groups: reliabilityGroups),
            delays: figures.delays,
            configuration: configuration.canonical
        )
    }
}
