import ArgumentParser
import Configure
import Events
import Export
import Foundation
import Learn
import Logging
import Pipeline
import ServiceLifecycle
import Source

/// `freshet run`: the daemon.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Trains on topics as they grow, and keeps saving snapshots.",
        discussion: """
            Resumes from the state directory's newest good snapshot; without one it starts where \
            kafka.start says. SIGTERM and SIGINT (Ctrl-C) save and end it.
            """
    )

    @OptionGroup var options: StateOptions

    func run() async throws {
        let logger = Logger(label: "freshet")
        let session = try LearnerSession(options: options, logger: logger)
        let figures = LiveFiguresBox()
        let log = ProgressLog(figures: figures, session: session, logger: logger)
        let services: [any Service] = [log] + Self.publishing(session, logger: logger)
        try await LearningThread.run(logger: logger, beside: services) { stop in
            try Self.learn(session, figures: figures, logger: logger, stop: stop)
        }
        if let newest = session.newest {
            logger.info(
                "stopped",
                metadata: [
                    "snapshot": "\(newest.name)",
                    "consumed": "\(newest.body.summary.consumed.total)",
                    "state_digest": "\(newest.body.summary.stateDigest)",
                ]
            )
        }
    }

    /// Publishes beside learning, where that is configured.
    private static func publishing(
        _ session: LearnerSession,
        logger: Logger
    ) -> [PublicationService] {
        let settings = session.configuration.publish
        guard let directory = settings.directory else { return [] }
        let publication = Publication(
            state: session.directory,
            output: directory,
            settings: settings,
            writer: ExportWriter(
                format: ExportFormat(settings.format),
                programVersion: programVersion
            ),
            logger: logger
        )
        return [PublicationService(publication: publication, logger: logger)]
    }

    /// The daemon's work, until it is told to stop; the demo runs it too.
    static func learn(
        _ session: LearnerSession,
        figures: LiveFiguresBox,
        logger: Logger,
        stop: StopFlag
    ) throws {
        do {
            let source = try KafkaSource(
                configuration: session.configuration,
                resume: session.resumePoints,
                mode: .live,
                shouldStop: { stop.isSet },
                logger: logger
            )
            try learn(over: source, session, figures: figures, logger: logger, stop: stop)
        } catch let error as SourceError where error.isStop {
            // Told to stop before the brokers answered: there is nothing to save.
        }
    }

    private static func learn(
        over source: consuming sending KafkaSource,
        _ session: LearnerSession,
        figures: LiveFiguresBox,
        logger: Logger,
        stop: StopFlag
    ) throws {
        logger.info(
            session.resumed == nil ? "started" : "resumed",
            metadata: [
                "partitions": "\(source.partitions.count)",
                "snapshot": "\(session.resumed?.name ?? "none")",
                "state": "\(session.directory)",
            ]
        )
        var loop = try session.loop(over: source, isLive: true, readsAhead: true)
        var publisher = LiveFiguresPublisher(box: figures)
        _ = try loop.run(
            shouldStop: { stop.isSet },
            observe: { pipeline in publisher.observe(pipeline) }
        )
        try loop.finish()
    }
}

/// One line of progress in the log every ten seconds.
private struct ProgressLog: Service {
    let figures: LiveFiguresBox
    let session: LearnerSession
    let logger: Logger

    func run() async throws {
        var consumed = figures.value?.consumed
        var silence = SilenceLog(logger: logger)
        while !Task.isShuttingDownGracefully {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(10)) }
            guard let now = figures.value else { continue }
            silence.observe(now.silence)
            report(now, events: now.consumed - (consumed ?? now.consumed))
            consumed = now.consumed
        }
    }

    private func report(_ now: LiveFigures, events: Int) {
        var metadata: Logger.Metadata = [
            "consumed": "\(now.consumed)", "events_per_second": "\(events / 10)",
            "open_impressions": "\(now.openImpressions)", "held_events": "\(now.heldEvents)",
            "skipped_updates": "\(now.skippedUpdates)",
        ]
        if let time = now.streamTime {
            metadata["stream_time_age"] = "\(durationText(clockMilliseconds() - time))"
        }
        if let auc = now.metrics.figures.ctr.auc { metadata["ctr_auc"] = "\(auc)" }
        if let snapshot = session.newest {
            metadata["snapshot"] = "\(snapshot.name)"
            metadata["snapshot_pause_ms"] = "\(snapshot.body.pauseMilliseconds)"
        }
        logger.info("progress", metadata: metadata)
    }
}
