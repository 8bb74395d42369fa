import Logging
import Pipeline

extension SilenceReport {
    /// What is silent, since when and by how much, for a line of the log.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for (name, kind) in [("clicks", clicks), ("conversions", conversions)] {
            guard let kind else { continue }
            metadata["\(name)_since"] = "\(timestampText(kind.since))"
            metadata["\(name)_rate"] = "\(kind.rate.map { "\($0)" } ?? "none")"
            metadata["\(name)_usual_rate"] = "\(kind.trailingRate)"
        }
        return metadata
    }
}

/// Says once when windows are held back, and once when they close again.
struct SilenceLog {
    let logger: Logger
    private var wasSilent = false

    init(logger: Logger) {
        self.logger = logger
    }

    mutating func observe(_ silence: SilenceReport) {
        guard silence.isSilent != wasSilent else { return }
        wasSilent = silence.isSilent
        if wasSilent {
            logger.warning(
                "events are missing: windows are held open until they come back",
                metadata: silence.metadata
            )
        } else {
            logger.notice("events are back: windows close again")
        }
    }
}
