import Configure
import Export
import Logging

extension ExportCommand {
    /// `--watch`: publishes each new snapshot until a signal comes.
    func publish(logger: Logger) async throws {
        let publication = Publication(
            state: state,
            output: output,
            settings: try publishSettings(),
            writer: ExportWriter(
                format: format.format,
                includesOptimizer: withOptimizer,
                programVersion: programVersion
            ),
            logger: logger
        )
        try publication.prepare()
        logger.info("following", metadata: ["state": "\(state)", "output": "\(output)"])
        try await LearningThread.run(logger: logger) { stop in
            publication.follow(finishes: false, stop: stop)
        }
    }
}
