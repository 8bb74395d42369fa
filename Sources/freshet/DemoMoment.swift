import Events
import Foundation
import Learn

/// What the demo shows at one moment.
struct DemoMoment {
    var elapsed: Duration
    var seconds: Int
    var servers: String
    var directory: String
    var figures: LiveFigures
    var eventsPerSecond: Double
    /// Events that the generator has sent.
    var produced: Int
    /// The best possible figures of the impressions that the model's are of.
    var best: TaskTable<TaskFigures>?
    /// Milliseconds; nil before the first event.
    var streamTimeAge: Int64?
    /// Name and age, milliseconds.
    var snapshot: (name: String, age: Int64)?

    /// For a terminal.
    var block: [String] {
        let clicks = figures.count(.applied, .click)
        let conversions = figures.count(.applied, .conversion)
        return [
            "freshet demo, \(elapsedSeconds) of \(seconds) s (Ctrl-C ends it)",
            "generator -> Kafka broker at \(servers) -> learner -> \(directory)",
            "",
            row("events/s", rateText, "\(figures.consumed) of \(produced) consumed"),
            row("joins/impression", joinsText, "\(clicks) clicks, \(conversions) conversions"),
            row("stream time", streamTimeText, "\(figures.openImpressions) impressions open"),
            row("last snapshot", snapshotText, snapshot?.name ?? ""),
            "",
        ] + MetricsTable.lines(figures.metrics, best: best)
    }

    /// For a log.
    var line: String {
        let table = figures.metrics.figures
        let tasks = [
            task("CTR", table.ctr, best?.ctr), task("CVR", table.cvr, best?.cvr),
            task("CTCVR", table.ctcvr, best?.ctcvr),
        ]
        return "\(elapsedSeconds) s: \(rateText) events/s, \(joinsText) joins/impression, "
            + "stream time \(streamTimeText), snapshot \(snapshotText); "
            + (figures.metrics.mature ? "" : "no cohort mature yet, ")
            + "figures (best possible): " + tasks.joined(separator: "; ")
    }

    private var elapsedSeconds: Int { min(Int(elapsed / .seconds(1)), seconds) }

    private var rateText: String { String(format: "%.0f", eventsPerSecond) }

    private var joinsText: String {
        let joins = figures.count(.applied, .click) + figures.count(.applied, .conversion)
        let impressions = Place.allCases.reduce(0) { $0 + figures.count($1, .impression) }
        return impressions > 0 ? String(format: "%.4f", Double(joins) / Double(impressions)) : "–"
    }

    private var streamTimeText: String { streamTimeAge.map(Self.age) ?? "not begun" }

    private var snapshotText: String { snapshot.map { Self.age($0.age) } ?? "none yet" }

    private static func age(_ milliseconds: Int64) -> String {
        durationText(max(0, milliseconds)) + " old"
    }

    private func row(_ name: String, _ value: String, _ detail: String) -> String {
        name.padding(toLength: 20, withPad: " ", startingAt: 0)
            + value.padding(toLength: 14, withPad: " ", startingAt: 0) + detail
    }

    private func task(_ name: String, _ figures: TaskFigures, _ best: TaskFigures?) -> String {
        func pair(_ label: String, _ path: KeyPath<TaskFigures, Double?>, _ format: String)
            -> String
        {
            let texts = [figures[keyPath: path], best?[keyPath: path]].map { value in
                value.map { String(format: format, $0) } ?? "–"
            }
            return "\(label) \(texts[0]) (\(texts[1]))"
        }
        return name + " "
            + [
                pair("AUC", \.auc, "%.4f"), pair("log loss", \.logLoss, "%.5f"),
                pair("norm. entropy", \.normalizedEntropy, "%.4f"),
                pair("calibration", \.calibration, "%.3f"),
            ].joined(separator: ", ")
    }
}
