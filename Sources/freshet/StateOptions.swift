import ArgumentParser
import Configure
import Foundation
import Pipeline
import Snapshot

/// What `run` and `replay` have in common.
struct StateOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The configuration, a YAML file (see config/freshet.yaml).",
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String

    @Option(
        name: .long,
        help: "The state directory; created if absent, resumed from otherwise.",
        completion: .directory
    )
    var state: String

    @Option(
        name: .long,
        help: """
            How often to save, over the configured schedule: a number of consumed events (taken when \
            their total is divisible by it), or a duration such as 30s (of the clock in run, of \
            stream time in replay).
            """
    )
    var snapshotEvery: ScheduleArgument?

    @Option(
        name: .customLong("skip"),
        help: ArgumentHelp(
            """
            Leave out these offsets of a topic's partition, both included; they count as \
            quarantined. Remembered until they are passed. Of recorded files, TOPIC is the file's name \
            without extension. Repeatable.
            """,
            valueName: "topic/partition:from-to"
        )
    )
    var skips: [SkipArgument] = []

    @Option(
        name: .long,
        help: """
            Go back to this snapshot, and remove all newer ones, instead of resuming from the newest; \
            with --skip, to undo what poisoned data did.
            """
    )
    var fromSnapshot: String?

    @Option(
        name: .long,
        help: """
            Start with what this model has learnt (model.safetensors of an export) where the state \
            directory has no snapshot yet; with one, it is not used. Features are matched by name, or by \
            what they were called first (features: was); others start fresh.
            """,
        completion: .file(extensions: ["safetensors"])
    )
    var warmStart: String?

    @Flag(
        name: .long,
        help: """
            Take a silence that holds windows back (join.guard_ratio) for real: what is missing counts \
            as negative, and the usual rate is learnt anew.
            """
    )
    var acceptSilence = false
}

/// A range of offsets to leave out.
struct SkipArgument: ExpressibleByArgument {
    let range: OffsetRange

    init?(argument: String) {
        guard let range = OffsetRange(argument) else { return nil }
        self.range = range
    }
}

/// A number of events or a duration.
struct ScheduleArgument: ExpressibleByArgument {
    let schedule: SnapshotSettings.Schedule

    init?(argument: String) {
        guard let schedule = SnapshotSettings.Schedule(text: argument) else { return nil }
        self.schedule = schedule
    }
}

/// A point in time: milliseconds since the epoch, or an ISO 8601 timestamp in UTC.
struct TimeArgument: ExpressibleByArgument {
    let milliseconds: Int64

    init?(argument: String) {
        guard let milliseconds = Int64(argument) ?? Timestamp.milliseconds(argument) else {
            return nil
        }
        self.milliseconds = milliseconds
    }
}

/// The machine's clock, milliseconds since the epoch: read here, at the edge, and nowhere below.
func clockMilliseconds() -> Int64 {
    Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down))
}
