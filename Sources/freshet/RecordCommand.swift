import ArgumentParser
import Configure
import Events
import Foundation
import Logging
import Snapshot
import Source

/// `freshet record`: topics to replayable files.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract:
            "Writes topics to files that `replay --files` reads, so that history outlives them.",
        discussion: """
            Takes everything from the earliest offsets still there to the ends at the start, into one \
            file per topic partition (impressions-00003.jsonl.lz4). Into a folder that was recorded to \
            before it appends what came since; stopped (Ctrl-C) or crashed, the same command continues. \
            A folder can be replayed as far as a recording came to its end; record.json says how far \
            that is. Keys and headers are not recorded.
            """
    )

    @Option(
        name: .long,
        help: "The configuration, a YAML file; of it only kafka is used.",
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String

    @Option(name: .long, help: "The folder; created if absent.", completion: .directory)
    var output: String

    @Flag(name: .long, help: "Write plain .jsonl files instead of .jsonl.lz4.")
    var plain = false

    func run() async throws {
        let logger = Logger(label: "freshet")
        let settings = try Configuration(file: config)
        // One recording at a time; the lock also makes the folder.
        let lock = try StateLock(directory: output)
        defer { withExtendedLifetime(lock) {} }
        let (output, isCompressed) = (output, plain ? false : nil as Bool?)
        try await LearningThread.run(logger: logger) { stop in
            try Self.record(
                settings,
                to: output,
                isCompressed: isCompressed,
                logger: logger,
                stop: stop
            )
        }
    }

    /// Records what the topics hold now; the demo does it too.
    static func record(
        _ settings: Configuration,
        to output: String,
        isCompressed: Bool? = nil,
        logger: Logger,
        stop: StopFlag
    ) throws {
        var recorder = try TopicRecorder(folder: output, isCompressed: isCompressed)
        var source = try KafkaSource(
            configuration: settings,
            start: .earliest,
            resume: recorder.resumePoints,
            mode: .untilEndAtStart,
            recordBytesMax: .max,
            shouldStop: { stop.isSet },
            logger: logger
        )
        let partitions = source.partitions
        try recorder.begin(partitions: partitions, starts: source.startPositions)
        var progress = ProgressBar()
        var isAtEnd = false
        while !isAtEnd && !stop.isSet {
            isAtEnd = true
            let before = recorder.recordCounts.reduce(0, +)
            for index in partitions.indices where !source.isAtEnd(partition: index) {
                isAtEnd = false
                try source.fetch(partition: index) { header, content, payload in
                    recorder.take(partition: index, header, content, payload)
                }
                try recorder.writeIfDue(partition: index)
            }
            let count = recorder.recordCounts.reduce(0, +)
            if count == before && !isAtEnd { source.wait(milliseconds: 5) }
            progress.update(fraction: source.fractionRead, events: count)
        }
        progress.finish()
        guard isAtEnd else {
            try recorder.checkpoint()
            throw SourceError("stopped before the end; the same command continues")
        }
        try recorder.finish(ends: source.endsAtStart)
        print(summary(recorder, partitionCount: partitions.count, output: output))
    }

    private static func summary(
        _ recorder: borrowing TopicRecorder,
        partitionCount: Int,
        output: String
    ) -> String {
        let counts = recorder.recordCounts
        let roles = Role.allCases.indices.map { "\(counts[$0]) \(Role.allCases[$0].plural)" }
        return "recorded \(roles.joined(separator: ", ")) from \(partitionCount) partitions; "
            + "\(output) now holds \(recorder.byteCount) bytes"
    }
}
