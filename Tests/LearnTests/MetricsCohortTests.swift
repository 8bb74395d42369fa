import Events
import Learn
import StateCoding
import Testing

private let plain = Calibration(FocalLoss(gamma: 0, alpha: nil))

private func score(
    _ metrics: inout Metrics,
    at time: Int64,
    positive: Bool = false,
    logit: Float = -1
) {
    metrics.score(
        Example(
            time: time,
            impressionTime: time,
            labels: Labels(ctr: positive, ctcvr: nil),
            ctrWeight: 1,
            ctcvrWeight: 1,
            prediction: Prediction(ctrLogit: logit, cvrLogit: 0)
        ),
        calibration: plain
    )
}

@Suite struct MetricsCohortTests {
    @Test("a cohort is mature when the last window of its last impression has closed")
    func maturity() {
        var metrics = Metrics(cohortWidth: 100, maturity: 50)
        score(&metrics, at: 199)
        score(&metrics, at: 200)
        #expect(!metrics.report().mature)
        #expect(metrics.report().figures.ctr.count == 2)
        // An impression at 199 has windows until 249, inclusive.
        metrics.matureThrough(249)
        #expect(!metrics.report().mature)
        metrics.matureThrough(250)
        let report = metrics.report()
        #expect(report.mature)
        #expect(report.figures.ctr.count == 1)
        #expect(report.immature.ctr.count == 1)
        #expect(report.all.ctr.count == 2)
        #expect(metrics.series.map(\.start) == [100] && metrics.series.map(\.end) == [200])
    }

    @Test("a score that comes after its cohort has matured counts among the mature ones")
    func disorder() {
        var metrics = Metrics(cohortWidth: 100, maturity: 50)
        score(&metrics, at: 10)
        metrics.matureThrough(400)
        score(&metrics, at: 20)
        score(&metrics, at: 220)
        score(&metrics, at: 380)
        let report = metrics.report()
        #expect(report.figures.ctr.count == 3)
        #expect(report.immature.ctr.count == 1)
        #expect(metrics.series.count == 1)
    }

    @Test("times before 1970 and at the ends of time have cohorts too")
    func ends() {
        var metrics = Metrics(cohortWidth: 100, maturity: 0)
        for time in [Int64.min, -101, -100, -1, 0, .max - 1, .max, .max] {
            score(&metrics, at: time)
        }
        metrics.matureThrough(0)
        #expect(metrics.series.map(\.end) == [.min + 8, -100, 0])
        #expect(metrics.series.map(\.figures.ctr.count) == [1, 1, 2])
        metrics.matureThrough(.max)
        #expect(metrics.report().figures.ctr.count == 8)
    }

    @Test(
        "more immature cohorts than the bound join the narrowest neighbours, and none matures early"
    )
    func bound() {
        var metrics = Metrics(cohortWidth: 10, maturity: 1000)
        let cohorts = Metrics.openCohortsMax * 3
        for time in 0..<Int64(cohorts * 10) { score(&metrics, at: time) }
        metrics.matureThrough(1000)
        #expect(metrics.series.isEmpty)
        var counted = 0
        for time in stride(from: Int64(1001), through: Int64(1000 + cohorts * 10), by: 1) {
            metrics.matureThrough(time)
            while counted < metrics.series.count {
                let summary = metrics.series[counted]
                #expect(summary.end - 1 + 1000 < time)
                #expect(Int64(summary.figures.ctr.count) == summary.end - summary.start)
                // 96 widths in 32 cohorts: spans stay within a factor of the mean.
                #expect(summary.end - summary.start <= 80)
                counted += 1
            }
        }
        #expect(metrics.series.first?.start == 0)
        #expect(metrics.series.last?.end == Int64(cohorts * 10))
        #expect(metrics.series.map(\.figures.ctr.count).reduce(0, +) == cohorts * 10)
        #expect(metrics.series.count <= Metrics.openCohortsMax)
        #expect(metrics.report().figures.ctr.count == cohorts * 10)
    }

    @Test("the series keeps the newest summaries")
    func series() {
        var metrics = Metrics(cohortWidth: 1, maturity: 0)
        for time in 0..<Int64(Metrics.seriesMax + 40) {
            score(&metrics, at: time)
            metrics.matureThrough(time)
        }
        #expect(metrics.series.count == Metrics.seriesMax)
        #expect(metrics.series.last?.start == Int64(Metrics.seriesMax + 38))
        #expect(metrics.report().figures.ctr.count == Metrics.seriesMax + 39)
    }

    @Test("the reliability table divides a cohort into ten groups and misplaces nothing")
    func reliability() throws {
        var metrics = Metrics(cohortWidth: 100, maturity: 0)
        var source = SeededSource(seed: 12)
        var positives = 0.0
        for _ in 0..<20_000 {
            let logit = Float(-2 + source.normal())
            let probability = plain.probabilities(
                of: Prediction(ctrLogit: logit, cvrLogit: 0)
            ).ctr
            let positive = source.uniform() < probability
            positives += positive ? 1 : 0
            score(&metrics, at: 5, positive: positive, logit: logit)
        }
        metrics.matureThrough(100)
        let groups = try #require(metrics.series.first).reliability.ctr
        #expect(groups.count == CohortSummary.groupsMax)
        #expect(groups.map(\.weight).reduce(0, +) == 20_000)
        #expect(groups.map(\.actual).reduce(0, +) == positives)
        for group in groups {
            #expect(abs(group.weight - 2000) < 100)
            // Four standard deviations of a binomial count, and the bins' width.
            #expect(
                abs(group.predicted - group.actual)
                    < 4 * group.predicted.squareRoot() + 0.01 * group.predicted
            )
        }
    }

    @Test("restored metrics go on to the bit")
    func state() throws {
        var metrics = try filled()
        var writer = StateWriter()
        metrics.encode(to: &writer)
        var restored = Metrics(cohortWidth: 100, maturity: 350)
        var reader = StateReader(writer.bytes)
        try restored.decode(from: &reader)
        try reader.finish()
        #expect(restored == metrics)
        for time in stride(from: Int64(900), to: 1600, by: 7) {
            score(&metrics, at: time, positive: time % 3 == 0, logit: Float(time % 11))
            score(&restored, at: time, positive: time % 3 == 0, logit: Float(time % 11))
            metrics.matureThrough(time)
            restored.matureThrough(time)
        }
        #expect(restored.report() == metrics.report())
        var again = StateWriter()
        restored.encode(to: &again)
        var original = StateWriter()
        metrics.encode(to: &original)
        #expect(again.bytes == original.bytes)
    }

    @Test("truncated or altered metrics are refused or read, never a crash")
    func hostile() throws {
        var writer = StateWriter()
        try filled().encode(to: &writer)
        let bytes = writer.bytes
        for count in stride(from: 0, to: bytes.count, by: 37) {
            #expect(throws: StateError.self) {
                var receiver = Metrics(cohortWidth: 100, maturity: 350)
                var reader = StateReader(Array(bytes[..<count]))
                try receiver.decode(from: &reader)
            }
        }
        var source = SeededSource(seed: 99)
        for _ in 0..<300 {
            var altered = bytes
            altered[Int(source.next() % UInt64(bytes.count))] = UInt8(
                truncatingIfNeeded: source.next()
            )
            var receiver = Metrics(cohortWidth: 100, maturity: 350)
            var reader = StateReader(altered)
            do {
                try receiver.decode(from: &reader)
                _ = receiver.report()
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test("metrics of other windows are refused with both values named")
    func settings() throws {
        var writer = StateWriter()
        try filled().encode(to: &writer)
        var receiver = Metrics(cohortWidth: 100, maturity: 351)
        let error = #expect(throws: StateError.self) {
            var reader = StateReader(writer.bytes)
            try receiver.decode(from: &reader)
        }
        #expect(error?.description.contains("350") == true)
        #expect(error?.description.contains("351") == true)
    }

    /// Two mature cohorts and several immature ones, of all tasks.
    private func filled() throws -> Metrics {
        var metrics = Metrics(cohortWidth: 100, maturity: 350)
        var source = SeededSource(seed: 77)
        for time in 0..<Int64(900) {
            for labels in [
                Labels(ctr: source.uniform() < 0.3, ctcvr: nil),
                Labels(ctr: nil, ctcvr: source.uniform() < 0.2),
            ] {
                metrics.score(
                    Example(
                        time: time,
                        impressionTime: time,
                        labels: labels,
                        ctrWeight: 1.5,
                        ctcvrWeight: 1,
                        prediction: Prediction(
                            ctrLogit: Float(source.normal()),
                            cvrLogit: Float(source.normal())
                        )
                    ),
                    calibration: plain
                )
            }
            metrics.matureThrough(time - 300)
        }
        try #require(metrics.series.count == 2)
        return metrics
    }
}
