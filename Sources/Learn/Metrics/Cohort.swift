internal import Events
internal import StateCoding

/// The scores of impressions from `start` up to but without `end`.
struct Cohort: Equatable, Sendable {
    /// Milliseconds of impression time.
    var start: Int64
    var end: Int64
    var scores = CohortScores()

    func contains(_ time: Int64) -> Bool { time >= start && time < end }

    var summary: CohortSummary {
        CohortSummary(
            start: start,
            end: end,
            figures: scores.figures,
            reliability: scores.tasks.map { $0.reliability(groups: CohortSummary.groupsMax) }
        )
    }
}

/// The scores of the three tasks.
struct CohortScores: Equatable, Sendable {
    private(set) var tasks = TaskTable(ctr: TaskScores(), cvr: TaskScores(), ctcvr: TaskScores())

    var figures: TaskTable<TaskFigures> { tasks.map(\.figures) }

    /// Scores the labels that are given. A known CTCVR label of an impression that was clicked is
    /// its CVR label too; it is known to be unclicked where the CTR label comes along and is false.
    mutating func add(_ logits: CalibratedLogits, _ example: Example) {
        if let clicked = example.labels.ctr {
            tasks.ctr.add(logit: logits.ctr, isPositive: clicked, weight: example.ctrWeight)
        }
        guard let converted = example.labels.ctcvr else { return }
        tasks.ctcvr.add(logit: logits.ctcvr, isPositive: converted, weight: example.ctcvrWeight)
        if example.labels.ctr != false {
            tasks.cvr.add(logit: logits.cvr, isPositive: converted, weight: example.ctcvrWeight)
        }
    }

    mutating func merge(_ other: CohortScores) {
        tasks.ctr.merge(other.tasks.ctr)
        tasks.cvr.merge(other.tasks.cvr)
        tasks.ctcvr.merge(other.tasks.ctcvr)
    }
}

extension CohortScores: StateCodable {
    func encode(to writer: inout StateWriter) {
        tasks.ctr.encode(to: &writer)
        tasks.cvr.encode(to: &writer)
        tasks.ctcvr.encode(to: &writer)
    }

    mutating func decode(from reader: inout StateReader) throws(StateError) {
        try tasks.ctr.decode(from: &reader)
        try tasks.cvr.decode(from: &reader)
        try tasks.ctcvr.decode(from: &reader)
    }
}
