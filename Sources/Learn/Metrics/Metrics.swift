public import Events

/// Progressive evaluation: every final label is scored against the prediction made when the
/// impression arrived.
///
/// Scores are kept by cohorts of impression time, aligned to multiples of the cohort width. A cohort
/// is mature once all windows of its impressions have closed: labels that make an impression
/// positive come early and those that make it negative late, so figures of immature ones are biased.
/// Mature cohorts are added up for good, and summarised one by one in `series`.
///
/// Bounds: at most `openCohortsMax` immature cohorts; where one more would open, the two neighbours
/// that together span the least time (the older ones of equals) become one, mature when the later of
/// them is, and `series` shows its true span. At most `seriesMax` summaries, the newest stay. A
/// cohort takes 64 KiB per scored task.
public struct Metrics: Equatable, Sendable {
    public static let openCohortsMax = 32
    public static let seriesMax = 256

    /// Milliseconds.
    let cohortWidth: Int64
    /// From an impression to the end of its last window, milliseconds.
    let maturity: Int64
    var closedThrough = Int64.min
    /// Impressions of mature cohorts, scores that disorder brought late included.
    var mature = CohortScores()
    /// Immature cohorts, disjoint, in ascending order.
    var open: [Cohort] = []
    /// Mature cohorts as they were when they became so, in ascending order, the newest.
    public internal(set) var series: [CohortSummary] = []
    /// Labels without a score, because the prediction was not finite.
    public internal(set) var unscored = 0

    /// - Parameters:
    ///   - cohortWidth: milliseconds of impression time, positive.
    ///   - maturity: click window + conversion window, milliseconds.
    public init(cohortWidth: Int64, maturity: Int64) {
        precondition(cohortWidth > 0 && maturity >= 0, "cohorts need a width and a maturity")
        self.cohortWidth = cohortWidth
        self.maturity = maturity
    }

    /// Scores the labels of an example against its prediction.
    public mutating func score(_ example: Example, calibration: Calibration) {
        let prediction = example.prediction
        guard prediction.ctrLogit.isFinite, prediction.cvrLogit.isFinite else {
            unscored += 1
            return
        }
        let logits = calibration.logits(of: prediction)
        if let index = openCohort(at: example.impressionTime) {
            open[index].scores.add(logits, example)
        } else {
            mature.add(logits, example)
        }
    }

    /// Every window that ends before `time` has closed.
    public mutating func matureThrough(_ time: Int64) {
        guard time > closedThrough else { return }
        closedThrough = time
        while let cohort = open.first, isMature(end: cohort.end) {
            open.removeFirst()
            mature.merge(cohort.scores)
            if series.count == Self.seriesMax { series.removeFirst() }
            series.append(cohort.summary)
        }
    }

    public func report() -> MetricsReport {
        var immature = CohortScores()
        for cohort in open { immature.merge(cohort.scores) }
        var all = mature
        all.merge(immature)
        let isMature = !series.isEmpty
        return MetricsReport(
            figures: isMature ? mature.figures : all.figures,
            mature: isMature,
            immature: immature.figures,
            all: all.figures
        )
    }

    /// The cohorts whose windows are still open, in ascending order, as they stand now.
    public var immatureSeries: [CohortSummary] { open.map(\.summary) }

    /// Groups of about equal weight of the impressions that the report's `figures` are of: those of
    /// mature cohorts, or everything scored if there are none.
    public func reliability(groups count: Int) -> TaskTable<[ReliabilityGroup]> {
        var scores = mature
        if series.isEmpty {
            for cohort in open { scores.merge(cohort.scores) }
        }
        return scores.tasks.map { $0.reliability(groups: count) }
    }

    /// Whether both form the same cohorts.
    func hasSettings(of other: Metrics) -> Bool {
        cohortWidth == other.cohortWidth && maturity == other.maturity
    }

    private func isMature(end: Int64) -> Bool {
        let (last, overflow) = (end - 1).addingReportingOverflow(maturity)
        return !overflow && last < closedThrough
    }

    /// The index of the open cohort for impressions of this time; nil if theirs is mature.
    private mutating func openCohort(at impressionTime: Int64) -> Int? {
        // The end of a cohort is exclusive, so the last millisecond of all could be in none.
        let time = min(impressionTime, .max - 1)
        var index = firstCohort(endingAfter: time)
        if index < open.count, open[index].start <= time { return index }
        let (start, end) = cell(of: time)
        guard !isMature(end: end) else { return nil }
        if open.count == Self.openCohortsMax {
            mergeNarrowestNeighbours()
            index = firstCohort(endingAfter: time)
            if index < open.count, open[index].start <= time { return index }
        }
        open.insert(Cohort(start: start, end: end), at: index)
        return index
    }

    private func firstCohort(endingAfter time: Int64) -> Int {
        var low = 0
        var high = open.count
        while low < high {
            let middle = (low + high) / 2
            if open[middle].end <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The cohort of the fixed grid that holds `time`, cut off at the ends of time.
    private func cell(of time: Int64) -> (start: Int64, end: Int64) {
        let remainder = time % cohortWidth
        let below = remainder < 0 ? remainder + cohortWidth : remainder
        let (start, underflow) = time.subtractingReportingOverflow(below)
        let (end, overflow) = time.addingReportingOverflow(cohortWidth - below)
        return (underflow ? .min : start, overflow ? .max : end)
    }

    private mutating func mergeNarrowestNeighbours() {
        let spans = (1..<open.count).map {
            open[$0].end.subtractingReportingOverflow(open[$0 - 1].start)
        }
        var narrowest = 0
        for index in spans.indices where !spans[index].overflow {
            let best = spans[narrowest]
            if best.overflow || spans[index].partialValue < best.partialValue { narrowest = index }
        }
        let later = open.remove(at: narrowest + 1)
        open[narrowest].end = later.end
        open[narrowest].scores.merge(later.scores)
    }
}
