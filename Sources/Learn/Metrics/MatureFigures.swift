extension Metrics {
    /// The figures of mature cohorts.
    ///
    /// - Parameter span: milliseconds of impression time: the figures are those of the newest cohorts
    ///   that together reach back so far from the end of the newest one, whole cohorts, as far as
    ///   `series` has them; nil: of all there ever were. Log loss, normalized entropy and calibration
    ///   are exact either way; over a span, AUC is the mean of the cohorts' own (see `CohortSums`).
    /// - Returns: nil as long as no cohort is mature.
    public func matureFigures(over span: Int64?) -> TaskTable<TaskFigures>? {
        guard let newest = series.last else { return nil }
        guard let span else { return mature.figures }
        let (start, underflow) = newest.end.subtractingReportingOverflow(span)
        let cohorts = series.filter { $0.end > (underflow ? .min : start) }
        return TaskTable(
            ctr: TaskFigures(cohorts.map { ($0.figures.ctr, $0.reliability.ctr) }),
            cvr: TaskFigures(cohorts.map { ($0.figures.cvr, $0.reliability.cvr) }),
            ctcvr: TaskFigures(cohorts.map { ($0.figures.ctcvr, $0.reliability.ctcvr) })
        )
    }
}

extension TaskFigures {
    /// The figures of several cohorts together.
    fileprivate init(_ cohorts: [(figures: TaskFigures, groups: [ReliabilityGroup])]) {
        var sums = CohortSums()
        var count = 0
        for cohort in cohorts {
            sums.add(CohortSums(cohort.figures, cohort.groups))
            count += cohort.figures.count
        }
        self.init(count: count)
        auc = sums.auc
        logLoss = sums.logLoss
        normalizedEntropy = sums.normalizedEntropy
        calibration = sums.calibration
    }
}
