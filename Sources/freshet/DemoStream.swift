import Dispatch
import Foundation
import Generate
import Kafka
import Learn
import Pipeline
import Synchronization

/// The demo's generated stream, sent from a thread of its own, and the best possible figures of it.
final class DemoStream: Sendable {
    /// Mean seconds from impression to click and from click to conversion: a fraction of the
    /// windows in the demo's configuration.
    static let clickDelay = 0.3
    static let conversionDelay = 0.6

    private let settings: GeneratorSettings
    private let record = Mutex(Record())

    private struct Record {
        var sent: PlantedReport?
        /// After more and more impressions; those before the newest mature ones are dropped.
        var best: [TaskTable<TaskFigures>] = []
        var failure: (any Error)?
    }

    /// - Parameter rate: Impressions per second.
    /// - Throws: `GeneratorError` when there is no such stream.
    init(rate: Double) throws {
        var settings = GeneratorSettings(events: nil, seed: 1)
        settings.rate = rate
        settings.clickDelay = Self.clickDelay
        settings.conversionDelay = Self.conversionDelay
        try settings.validate()
        self.settings = settings
    }

    /// What has been sent so far; nil before the first event.
    var sent: PlantedReport? { record.withLock { $0.sent } }

    /// Events sent so far.
    var eventCount: Int { sent.map { $0.impressions + $0.clicks + $0.conversions } ?? 0 }

    /// The best possible figures of about the same impressions as the model's, the first ones; nil
    /// before there are any.
    func best(for metrics: MetricsReport) -> TaskTable<TaskFigures>? {
        let impressions = metrics.figures.ctr.count
        return record.withLock { record in
            // The count goes back once, when mature cohorts take the place of all.
            while metrics.mature, record.best.count > 1, record.best[1].ctr.count <= impressions {
                record.best.removeFirst()
            }
            return record.best.last { $0.ctr.count <= impressions }
        }
    }

    /// Sends for as long as `duration`, or until `stop` is set, while `work` reads what is sent.
    /// When the last event was sent and read, the flag that `work` is given is set.
    ///
    /// - Parameters:
    ///   - consumed: How many events `work` has read.
    ///   - done: The flag that `work` is given. Setting it ends everything early.
    /// - Throws: What sending or `work` threw.
    func run(
        to servers: String,
        for duration: Duration,
        until stop: StopFlag,
        done: StopFlag,
        consumed: @escaping @Sendable () -> Int,
        beside work: (StopFlag) throws -> Void
    ) throws {
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            do {
                let deadline = ContinuousClock.now + duration
                try send(to: servers) {
                    stop.isSet || done.isSet || ContinuousClock.now >= deadline
                }
                waitUntilRead(consumed, or: done)
            } catch {
                record.withLock { $0.failure = error }
            }
            done.set()
            ended.signal()
        }
        defer {
            done.set()
            // Its connection ends before the broker does; without a broker that would take long.
            _ = ended.wait(timeout: .now() + 2)
        }
        try work(done)
        if let failure = record.withLock({ $0.failure }) { throw failure }
    }

    private func send(to servers: String, until shouldStop: () -> Bool) throws {
        var generator = try LiveGenerator(
            settings: settings,
            kafka: KafkaSettings(["bootstrap.servers": servers]),
            topics: ["impressions", "clicks", "conversions"]
        )
        var recorded = ContinuousClock.now
        try generator.run(until: shouldStop) { feed in
            let now = ContinuousClock.now
            guard now - recorded >= .milliseconds(100) else { return }
            recorded = now
            keep(PlantedReport(feed))
        }
        keep(generator.report)
    }

    private func keep(_ report: PlantedReport) {
        guard report.impressions > 0 else { return }
        let best = TaskTable(ctr: report.all.ctr, cvr: report.all.cvr, ctcvr: report.all.ctcvr)
            .map(TaskFigures.init)
        record.withLock {
            $0.sent = report
            $0.best.append(best)
        }
    }

    /// A daemon that is far behind is not waited for.
    private func waitUntilRead(_ consumed: () -> Int, or done: StopFlag) {
        let limit = ContinuousClock.now + .seconds(10)
        while consumed() < eventCount, !done.isSet, ContinuousClock.now < limit {
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}

extension TaskFigures {
    /// The figures of planted probabilities, as a model's are.
    init(_ planted: PlantedFigures) {
        self.init(count: planted.count)
        auc = planted.auc
        logLoss = planted.logLoss
        normalizedEntropy = planted.normalizedEntropy
        calibration = planted.calibration
    }
}
