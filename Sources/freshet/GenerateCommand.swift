import ArgumentParser
import Events
import Foundation
import Generate
import Kafka

/// `freshet generate`: a synthetic stream with planted probabilities, to files or to Kafka.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Writes a synthetic stream whose best possible figures are known.",
        discussion: """
            Impressions of 20,000 users, 2,000 ads and 12 slots, with clicks and conversions drawn \
            from planted probabilities. What those probabilities reach themselves (AUC, log loss, \
            normalized entropy) is printed and, beside files, written to planted.json.
            """
    )

    @Option(
        help: ArgumentHelp(
            "How many events to write: impressions, clicks and conversions together.",
            discussion: "The last impressions' clicks and conversions are among them.",
            valueName: "n"
        )
    )
    var events: Int?

    @Option(help: ArgumentHelp("The same seed gives the same stream.", valueName: "s"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Write impressions.jsonl, clicks.jsonl and conversions.jsonl to this folder.",
            valueName: "dir"
        )
    )
    var files: String?

    @Option(
        help: ArgumentHelp("Files per role, by impression id (with --files).", valueName: "p")
    )
    var partitions: Int?

    @Flag(help: "Also write planted.jsonl: every impression's probabilities (with --files).")
    var planted = false

    @Option(
        help: ArgumentHelp("Send to the brokers at this address.", valueName: "host:port")
    )
    var kafka: String?

    @Option(
        help: ArgumentHelp(
            "The topics of impressions, clicks and conversions (with --kafka).",
            valueName: "i,c,v"
        )
    )
    var topics: String?

    @Option(
        help: ArgumentHelp(
            "A setting of librdkafka, by its own name (with --kafka; may be repeated).",
            valueName: "name=value"
        )
    )
    var kafkaSetting: [String] = []

    @Flag(
        help: ArgumentHelp(
            "Send every event when its time comes, beginning now (with --kafka).",
            discussion: "Without --events until interrupted."
        )
    )
    var live = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    @OptionGroup(title: "What the stream is like")
    var stream: StreamOptions

    mutating func validate() throws {
        guard (files == nil) != (kafka == nil) else {
            throw ValidationError("one of --files and --kafka is needed")
        }
        if kafka == nil && (topics != nil || !kafkaSetting.isEmpty || live) {
            throw ValidationError("--topics, --kafka-setting and --live go with --kafka")
        }
        if files == nil && (partitions != nil || planted) {
            throw ValidationError("--partitions and --planted go with --files")
        }
        if let partitions, !(1...1_000).contains(partitions) {
            throw ValidationError("--partitions is \(partitions), not between 1 and 1000")
        }
        if events == nil && !live { throw ValidationError("--events is needed") }
        if live && stream.start != nil {
            throw ValidationError("--live begins now, so --start does not go with it")
        }
        _ = try topicNames
        _ = try kafkaSettings
        do {
            try stream.settings(events: events, seed: seed).validate()
        } catch let error as GeneratorError {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let settings = try stream.settings(events: events, seed: seed)
        if let files {
            let folder = try EventFolder(
                files,
                partitionCount: partitions ?? 1,
                writesPlanted: planted
            )
            var feed = StreamFeed(try StreamGenerator(settings), to: folder)
            try feed.send()
            let report = PlantedReport(feed)
            try feed.sink.finish(report: Array(report.json))
            try print(report, to: files)
        } else if live {
            let report = try await LiveGenerator.run(
                settings: settings,
                kafka: try kafkaSettings,
                topics: try topicNames
            )
            try print(report, to: kafka ?? "")
        } else {
            let sink = try KafkaEventSink(settings: try kafkaSettings, topics: try topicNames)
            var feed = StreamFeed(try StreamGenerator(settings), to: sink)
            try feed.send()
            try feed.sink.flush()
            try print(PlantedReport(feed), to: kafka ?? "")
        }
    }

    private var topicNames: [String] {
        get throws {
            guard let topics else { return Role.allCases.map(\.plural) }
            let names = topics.split(separator: ",", omittingEmptySubsequences: false)
            guard names.count == 3, Set(names).count == 3, names.allSatisfy({ !$0.isEmpty }) else {
                throw ValidationError("--topics is \"\(topics)\", not three different names")
            }
            return names.map(String.init)
        }
    }

    private var kafkaSettings: KafkaSettings {
        get throws {
            var values: [String: String] = [:]
            for setting in kafkaSetting {
                guard let sign = setting.firstIndex(of: "="), sign > setting.startIndex else {
                    // The value may be a secret.
                    throw ValidationError("a --kafka-setting is not of the form name=value")
                }
                values[String(setting[..<sign])] = String(setting[setting.index(after: sign)...])
            }
            values["bootstrap.servers"] = kafka
            return KafkaSettings(values)
        }
    }

    private func print(_ report: PlantedReport, to place: String) throws {
        if json {
            Swift.print(String(decoding: try report.json, as: UTF8.self))
        } else {
            Swift.print(report.summary(place: place))
        }
    }
}

extension PlantedReport {
    /// The report as people and scripts read it.
    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return try encoder.encode(self)
        }
    }

    fileprivate func summary(place: String) -> String {
        var lines = [
            "\(impressions + clicks + conversions) events to \(place): \(impressions) impressions, "
                + "\(clicks) clicks, \(conversions) conversions",
            "best possible figures        AUC  log loss  normalized entropy",
        ]
        var periods = [("", all)]
        if let beforeShift { periods.append((" before the shift", beforeShift)) }
        if let afterShift { periods.append((" after the shift", afterShift)) }
        for (name, period) in periods {
            let tasks = [("CTR", period.ctr), ("CVR", period.cvr), ("CTCVR", period.ctcvr)]
            for (task, figures) in tasks {
                let label = (task + name).padding(toLength: 24, withPad: " ", startingAt: 0)
                lines.append(
                    label + Self.column(figures.auc, width: 8)
                        + Self.column(figures.logLoss, width: 10)
                        + Self.column(figures.normalizedEntropy, width: 20)
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func column(_ value: Double?, width: Int) -> String {
        let text = value.map {
            $0.formatted(.number.precision(.fractionLength(4)).grouping(.never))
        }
        return String(repeating: " ", count: max(width - (text ?? "-").count, 1)) + (text ?? "-")
    }
}
