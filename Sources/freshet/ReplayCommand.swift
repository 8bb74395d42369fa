import ArgumentParser
import Configure
import Decode
import Events
import Foundation
import Logging
import Pipeline
import Report
import Snapshot
import Source

/// `freshet replay`: historical records through the same pipeline.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Trains on historical records, from files or topics, and reports.",
        discussion: """
            Ends in the model that the live daemon would have made of the same records. Stopped \
            (Ctrl-C) and started again, it continues where it was.
            """
    )

    @OptionGroup var options: StateOptions

    @Option(
        name: .long,
        help: """
            A folder with impressions*.jsonl, clicks*.jsonl and conversions*.jsonl, plain or .lz4. \
            Without it the configured topics are read up to their present ends.
            """,
        completion: .directory
    )
    var files: String?

    @Option(name: .long, help: "Only events timed at or after this (milliseconds, or ISO 8601).")
    var from: TimeArgument?

    @Option(name: .long, help: "Only events timed before this.")
    var until: TimeArgument?

    @Option(name: .long, help: "Advance stream time to this after the last record.")
    var advanceTo: TimeArgument?

    @Option(
        name: .long,
        help: """
            Records without a timestamp of their own must not be timed further ahead of this than \
            events.max_time_ahead (default: the start of the first run).
            """
    )
    var now: TimeArgument?

    @Option(
        name: .long,
        help: "Write one JSON line per trained example to this file.",
        completion: .file()
    )
    var examples: String?

    @OptionGroup var reporting: ReportOptions

    @Flag(name: .long, help: "Print the summary as JSON.")
    var json = false

    func validate() throws {
        if let from, let until, from.milliseconds >= until.milliseconds {
            throw ValidationError("--from is not before --until: nothing would be selected")
        }
    }

    func run() async throws {
        let logger = Logger(label: "freshet")
        let configurations = try CompareConfigurations(
            first: options.config,
            others: reporting.compare,
            readsFiles: files != nil
        )
        let reportFile = try reporting.reportFile()
        let selection = TimeSelection(from: from?.milliseconds, until: until?.milliseconds)
        let session = try LearnerSession(
            options: options,
            selection: selection,
            now: now?.milliseconds,
            logger: logger
        )
        let learners = try CompareLearners(
            session,
            configurations,
            options: options,
            selection: selection,
            readsFigures: reportFile != nil,
            logger: logger
        )
        let start = ContinuousClock.now
        let ended = Ending()
        let command = self
        try await LearningThread.run(logger: logger) { stop in
            ended.set(try command.replay(learners, logger: logger, stop: stop))
        }
        guard let newest = session.newest else {
            throw PipelineError("there was nothing to replay")
        }
        let report = ReplayReport(
            summary: newest.body.summary,
            snapshot: newest.name,
            seconds: (ContinuousClock.now - start) / .seconds(1),
            comparison: learners.comparison()
        )
        print(json ? try report.json() : report.text())
        if let content = learners.content(source: sourceName, isComplete: ended.value) {
            try reportFile?.write(ReportPage(content).html)
        }
        if !ended.value {
            throw PipelineError(
                "stopped before the end and saved as snapshot \(newest.name); "
                    + "the same command continues"
            )
        }
    }

    /// - Returns: whether the records' end was reached.
    private func replay(
        _ learners: CompareLearners,
        logger: Logger,
        stop: StopFlag
    ) throws -> Bool {
        let session = learners.learners[0].session
        let start = try learners.sourcePositions()
        if let files {
            let source = try FileSource(
                folder: files,
                recordBytesMax: session.settings.decode.recordBytesMax,
                resume: start
            )
            for learner in learners.learners {
                try learner.session.checkFiles(source.partitions, folder: files)
            }
            return try replay(over: source, learners, stop: stop)
        }
        let source = try KafkaSource(
            configuration: session.configuration,
            resume: start,
            mode: .untilEndAtStart,
            shouldStop: { stop.isSet },
            logger: logger
        )
        return try replay(over: source, learners, stop: stop)
    }

    private func replay<Source: RecordSource & SendableMetatype & ~Copyable>(
        over source: consuming sending Source,
        _ learners: CompareLearners,
        stop: StopFlag
    ) throws -> Bool {
        guard learners.learners.count > 1 else {
            return try learn(over: source, learners, 0, stop: stop)
        }
        let pass = SharedPass(
            over: source,
            opened: try learners.sourcePositions(),
            starts: learners.starts
        )
        return try learners.inParallel(stop: stop) { index in
            try learn(over: pass.view(index), learners, index, stop: stop)
        }
    }

    private func learn<Source: RecordSource & ~Copyable>(
        over source: consuming sending Source,
        _ learners: CompareLearners,
        _ index: Int,
        stop: StopFlag
    ) throws -> Bool {
        var loop = try learners.learners[index].session.loop(
            over: source,
            isLive: false,
            // Several learners have threads of their own already.
            readsAhead: learners.learners.count == 1,
            examples: index == 0 ? examples : nil
        )
        var progress = index == 0 ? ProgressBar() : nil
        let ended = try loop.run(
            shouldStop: { stop.isSet },
            observe: { pipeline in
                progress?.update(fraction: pipeline.fractionRead, events: pipeline.consumed)
            }
        )
        if ended, let advanceTo { loop.advance(to: advanceTo.milliseconds) }
        progress?.finish()
        try loop.finish()
        learners.finished(index, loop.pipeline)
        return ended
    }

    /// What the records come from, for a report's title.
    private var sourceName: String {
        files.map { URL(filePath: $0).lastPathComponent } ?? "Replay of topics"
    }
}

/// Whether a replay came to its end, told across threads.
private final class Ending: Sendable {
    private let flag = StopFlag()
    var value: Bool { flag.isSet }
    func set(_ ended: Bool) { if ended { flag.set() } }
}
