import Configure
import Dispatch
import Events
import Foundation
import Learn
import Logging
import Pipeline
import Report
import Snapshot
import Source
import Synchronization

/// The learners of one replay: that of `--config`, and those that are compared with it, each with a
/// state of its own.
final class CompareLearners: Sendable {
    struct Learner: Sendable {
        var name: String
        var session: LearnerSession
    }

    /// The first is that of `--config` and `--state`.
    let learners: [Learner]
    private let remarks: [String]
    private let readsFigures: Bool
    private let figures = Mutex<[Int: ReportFigures]>([:])

    /// - Parameters:
    ///   - configurations: That of `--config` first.
    ///   - options: Those of the first session: the others save at the same points of the stream.
    ///   - readsFigures: Whether there is to be a report.
    init(
        _ first: LearnerSession,
        _ configurations: CompareConfigurations,
        options: StateOptions,
        selection: TimeSelection,
        readsFigures: Bool,
        logger: Logger
    ) throws {
        let schedule = options.snapshotEvery?.schedule ?? first.configuration.snapshots.every
        learners =
            try [Learner(name: configurations.entries[0].name, session: first)]
            + configurations.entries.dropFirst().map { entry in
                var other = options
                other.config = entry.file
                other.state = "\(options.state)/compare/\(entry.name)"
                other.snapshotEvery = ScheduleArgument(schedule)
                return Learner(
                    name: entry.name,
                    session: try LearnerSession(
                        options: other,
                        selection: selection,
                        now: first.settings.now,
                        logger: logger
                    )
                )
            }
        remarks = configurations.remarks
        self.readsFigures = readsFigures || learners.count > 1
    }

    /// Where each learner goes on.
    var starts: [[Partition: ResumePoint]] { learners.map(\.session.resumePoints) }

    /// Where a source has to start to serve all of them.
    func sourcePositions() throws -> [Partition: ResumePoint] {
        let start = learners[0].session.configuration.kafka.start
        if start == .latest, let fresh = starts.firstIndex(of: [:]),
            let resumed = starts.firstIndex(where: { !$0.isEmpty })
        {
            throw PipelineError(
                "\(learners[resumed].session.directory) has been read up to a position, "
                    + "\(learners[fresh].session.directory) would start at the end "
                    + "(kafka.start: latest): start both with a new state directory"
            )
        }
        return SharedPass<FileSource>.leastPositions(starts)
    }

    /// Keeps what the report needs of a learner whose replay is over.
    func finished<Base: RecordSource & ~Copyable>(
        _ index: Int,
        _ pipeline: borrowing Pipeline<Base>
    ) {
        guard readsFigures else { return }
        let read = ReportFigures(pipeline)
        figures.withLock { $0[index] = read }
    }

    /// Runs each learner's work on a thread of its own, the first on this one. When one fails the
    /// others stop and save.
    ///
    /// - Returns: whether all came to their end.
    func inParallel(
        stop: StopFlag,
        _ work: @escaping @Sendable (Int) throws -> Bool
    ) throws -> Bool {
        let results = CompareResults()
        let group = DispatchGroup()
        @Sendable func run(_ index: Int) {
            results.add(Result { try work(index) }, stop: stop)
        }
        for index in learners.indices.dropFirst() {
            group.enter()
            let thread = Thread {
                run(index)
                group.leave()
            }
            thread.name = learners[index].name
            thread.stackSize = 8 << 20
            thread.start()
        }
        run(0)
        group.wait()
        return try results.all()
    }

    /// The newest snapshot of each learner; nil if one of them has none.
    private var newest: [(name: String, body: SnapshotBody)]? {
        let newest = learners.compactMap(\.session.newest)
        return newest.count == learners.count ? newest : nil
    }

    /// The paired differences to the first; nil without a comparison.
    func comparison() -> CompareReport? {
        guard learners.count > 1, let newest else { return nil }
        return CompareReport(
            configurations: zip(learners, newest).map {
                .init(name: $0.name, snapshot: $1.name, summary: $1.body.summary)
            },
            differences: differences(),
            remarks: remarks
        )
    }

    private func differences() -> [PairedComparison] {
        let read = figures.withLock { $0 }
        guard let first = read[0] else { return [] }
        return learners.indices.dropFirst().compactMap { index in
            guard let other = read[index] else { return nil }
            return PairedComparison(
                first: (learners[0].name, first.metrics.series),
                other: (learners[index].name, other.metrics.series),
                seed: learners[0].session.configuration.learn.seed
            )
        }
    }

    /// The report's content; nil if nothing was read.
    func content(source: String, isComplete: Bool) -> ReportContent? {
        let read = figures.withLock { $0 }
        guard let newest, read.count == learners.count else { return nil }
        return ReportContent(
            source: source,
            programVersion: programVersion,
            kernelPath: newest[0].body.kernelPath,
            createdAt: clockMilliseconds(),
            isComplete: isComplete,
            runs: learners.indices.map { index in
                ReportRun(
                    name: learners[index].name,
                    newest: newest[index],
                    figures: read[index]!,
                    configuration: learners[index].session.configuration
                )
            },
            comparisons: differences(),
            remarks: remarks
        )
    }
}

/// What came of each learner's work.
private final class CompareResults: Sendable {
    private let results = Mutex<[Result<Bool, any Error>]>([])

    func add(_ result: Result<Bool, any Error>, stop: StopFlag) {
        results.withLock { $0.append(result) }
        if case .failure = result { stop.set() }
    }

    /// - Throws: the first failure.
    func all() throws -> Bool {
        let results = results.withLock { $0 }
        if let failed = results.first(where: { if case .failure = $0 { true } else { false } }) {
            _ = try failed.get()
        }
        return try results.allSatisfy { try $0.get() }
    }
}

extension ScheduleArgument {
    fileprivate init(_ schedule: SnapshotSettings.Schedule) {
        self.schedule = schedule
    }
}
