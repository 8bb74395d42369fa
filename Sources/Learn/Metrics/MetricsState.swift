public import StateCoding

extension Metrics: StateCodable {
    /// No state is longer.
    public static var encodedBytesMax: Int {
        let groupsBytes = 1 + CohortSummary.groupsMax * 24
        let summaryBytes = 16 + 3 * (40 + groupsBytes)
        return 40 + (openCohortsMax + 1) * (16 + 3 * TaskScores.encodedBytesMax)
            + seriesMax * summaryBytes
    }

    public func encode(to writer: inout StateWriter) {
        writer.write(cohortWidth)
        writer.write(maturity)
        writer.write(closedThrough)
        writer.write(Int64(unscored))
        mature.encode(to: &writer)
        writer.write(UInt32(open.count))
        for cohort in open {
            writer.write(cohort.start)
            writer.write(cohort.end)
            cohort.scores.encode(to: &writer)
        }
        writer.write(UInt32(series.count))
        for summary in series { summary.encode(to: &writer) }
    }

    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        try readSettings(from: &reader)
        var decoded = Metrics(cohortWidth: cohortWidth, maturity: maturity)
        decoded.closedThrough = try reader.read()
        decoded.unscored = Int(try reader.read(Int64.self))
        try decoded.mature.decode(from: &reader)
        let openCount = try reader.readCount(of: UInt32.self, elementSize: 16)
        guard openCount <= Self.openCohortsMax, Self.isCount(decoded.unscored) else {
            throw StateError("metrics hold \(openCount) open cohorts")
        }
        for _ in 0..<openCount {
            var cohort = Cohort(start: try reader.read(), end: try reader.read())
            try cohort.scores.decode(from: &reader)
            guard cohort.start < cohort.end, cohort.start >= decoded.open.last?.end ?? .min else {
                throw StateError("cohort from \(cohort.start) to \(cohort.end) is out of order")
            }
            decoded.open.append(cohort)
        }
        let seriesCount = try reader.readCount(of: UInt32.self, elementSize: 16)
        guard seriesCount <= Self.seriesMax else {
            throw StateError("metrics hold \(seriesCount) cohort summaries")
        }
        for _ in 0..<seriesCount { decoded.series.append(try CohortSummary(from: &reader)) }
        self = decoded
    }

    /// No stream that can be read sums to more; what claims to is not from here.
    static let sumMax = 1e150

    static func isCount(_ count: Int) -> Bool { count >= 0 && count < 1 << 56 }

    private func readSettings(from reader: inout StateReader) throws(StateError) {
        let width = try reader.read(Int64.self)
        let span = try reader.read(Int64.self)
        guard width == cohortWidth else {
            throw StateError(
                "metrics cohorts are \(width) ms wide, but \(cohortWidth) is configured"
            )
        }
        guard span == maturity else {
            throw StateError(
                "metrics mature after \(span) ms, but the windows add up to \(maturity)"
            )
        }
    }
}

extension CohortSummary {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(start)
        writer.write(end)
        for task in [figures.ctr, figures.cvr, figures.ctcvr] {
            for figure in [task.auc, task.logLoss, task.normalizedEntropy, task.calibration] {
                // NaN stands for an undefined figure; a defined one is finite.
                writer.write(figure ?? .nan)
            }
            writer.write(Int64(task.count))
        }
        for groups in [reliability.ctr, reliability.cvr, reliability.ctcvr] {
            writer.write(UInt8(groups.count))
            for group in groups {
                writer.write(group.weight)
                writer.write(group.predicted)
                writer.write(group.actual)
            }
        }
    }

    fileprivate init(from reader: inout StateReader) throws(StateError) {
        start = try reader.read()
        end = try reader.read()
        figures = TaskTable(
            ctr: try Self.figures(from: &reader),
            cvr: try Self.figures(from: &reader),
            ctcvr: try Self.figures(from: &reader)
        )
        reliability = TaskTable(
            ctr: try Self.groups(from: &reader),
            cvr: try Self.groups(from: &reader),
            ctcvr: try Self.groups(from: &reader)
        )
    }

    private static func figures(from reader: inout StateReader) throws(StateError) -> TaskFigures {
        var figures = TaskFigures(count: 0)
        figures.auc = try figure(from: &reader)
        figures.logLoss = try figure(from: &reader)
        figures.normalizedEntropy = try figure(from: &reader)
        figures.calibration = try figure(from: &reader)
        figures.count = Int(try reader.read(Int64.self))
        guard Metrics.isCount(figures.count) else {
            throw StateError("the count of a past cohort is out of range")
        }
        return figures
    }

    private static func figure(from reader: inout StateReader) throws(StateError) -> Double? {
        let value = try reader.read(Double.self)
        guard !value.isNaN else { return nil }
        guard value.isFinite else { throw StateError("a metric of a past cohort is infinite") }
        return value
    }

    private static func groups(
        from reader: inout StateReader
    ) throws(StateError) -> [ReliabilityGroup] {
        let count = try reader.readCount(of: UInt8.self, elementSize: 24)
        var groups: [ReliabilityGroup] = []
        for _ in 0..<count {
            var group = ReliabilityGroup()
            group.weight = try reader.read()
            group.predicted = try reader.read()
            group.actual = try reader.read()
            groups.append(group)
        }
        return groups
    }
}
