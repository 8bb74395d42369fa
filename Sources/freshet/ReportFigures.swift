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
                consumed: ledger.consumed[index] + progress.quarantined,
                counts: counts
            )
        }
        metrics = state.learner.metrics
        delays = []
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
            metrics: summary.metrics,
            series: figures.metrics.series,
            immatureSeries: figures.metrics.immatureSeries,
            reliability: figures.metrics.reliability(groups: reliabilityGroups),
            delays: figures.delays,
            configuration: configuration.canonical
        )
    }
}
