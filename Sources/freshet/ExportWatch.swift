import Configure
import Export
import Logging

extension ExportCommand {
    /// `--watch`: publishes each new snapshot until a signal comes.
    func watch(logger: Logger) async throws {
        let settings = try config.map { try Configuration(file: $0).publish } ?? PublishSettings()
        let publication = Publication(
            state: state,
            output: output,
            settings: settings,
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
