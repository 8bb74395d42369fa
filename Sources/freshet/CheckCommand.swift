import ArgumentParser
import Configure
import Join
import Learn
import Pipeline

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate a configuration and estimate what it will take.",
        discussion: """
            Prints the configuration with every key at the value it resolves to, as YAML that can be \
            used as a configuration itself; the estimates follow as comments.
            """
    )

    @Option(help: "The configuration file.")
    var config: String

    @Option(help: "Impressions per second, for the memory of the join.")
    var rate: Double?

    @Option(help: "Clicks per impression, 0 to 1. (default: the configured base rate)")
    var ctr: Double?

    @Option(help: "Values per list field, on average. (default: 10)")
    var listLength: Double?

    @Option(help: "Bytes of an impression id, on average. (default: 36, a UUID)")
    var idLength: Double?

    func run() throws {
        try checkOptions()
        print(report(try Configuration(file: config)), terminator: "")
    }

    private func checkOptions() throws(ConfigurationError) {
        if let rate, !(rate > 0 && rate <= 1e9) {
            throw ConfigurationError(
                problem:
                    "--rate is \(rate), expected a number of impressions per second from above 0 to 1e9"
            )
        }
        if let ctr, !((0...1) ~= ctr) {
            throw ConfigurationError(problem: "--ctr is \(ctr), expected a probability from 0 to 1")
        }
        for (name, value) in [("--list-length", listLength), ("--id-length", idLength)] {
            if let value, !((0...1e6) ~= value) {
                throw ConfigurationError(
                    problem: "\(name) is \(value), expected a number from 0 to 1e6"
                )
            }
        }
        for (name, value) in [
            ("--ctr", ctr), ("--list-length", listLength), ("--id-length", idLength),
        ] where value != nil && rate == nil {
            throw ConfigurationError(
                problem: "\(name) is used with --rate only: give the rate too"
            )
        }
    }

    private func report(_ configuration: Configuration) -> String {
        var lines = ["fingerprint: \(configuration.fingerprint)"]
        if let rate {
            var stream = ResourceEstimate.Stream(
                rate: rate,
                ctr: ctr ?? configuration.learn.baseCTR
            )
            stream.listLength = listLength ?? stream.listLength
            stream.idTextBytes = idLength ?? stream.idTextBytes
            let estimate = ResourceEstimate(configuration, stream: stream)
            lines += CheckCommand.model(estimate, configuration)
            lines += ["", "at \(rate) impressions/s and a CTR of \(stream.ctr):"]
            lines += CheckCommand.join(estimate, stream, configuration)
        } else {
            lines += CheckCommand.model(ResourceEstimate(configuration), configuration)
        }
        lines += CheckCommand.guards(configuration)
        let comments = lines.map { $0.isEmpty ? "#" : "# \($0)" }.joined(separator: "\n")
        return "\(configuration.resolved)\n\(comments)\n"
    }

    /// A guard that notices silence after its impressions have trained as negatives.
    private static func guards(_ configuration: Configuration) -> [String] {
        let join = configuration.join
        guard join.guardRatio > 0, join.guardSpan > join.clickWindow else { return [] }
        return [
            "join.guard_span is longer than join.click_window: a silence is noticed after the first "
                + "impressions without clicks have trained; half of the window is better"
        ]
    }

    private static func model(
        _ estimate: ResourceEstimate,
        _ configuration: Configuration
    ) -> [String] {
        let model = estimate.model
        let states = ModelSize.optimizerStates(configuration.learn.optimizer.method)
        return [
            "parameters: \(grouped(model.parameters)) "
                + "(embeddings \(grouped(model.embeddingParameters)), "
                + (model.wideParameters > 0 ? "wide \(grouped(model.wideParameters)), " : "")
                + "dense \(grouped(model.denseParameters)); "
                + "\(grouped(model.trunkInputs)) inputs of the trunk)",
            "memory of model and optimizer: \(bytes(estimate.modelBytes)) "
                + "(\(1 + states) numbers per parameter), and as much again for the copy that "
                + "snapshots are written from",
            "records read ahead of the learner: at most \(bytes(readAheadBytesMax)), and a batch of each "
                + "partition",
        ]
    }

    private static func join(
        _ estimate: ResourceEstimate,
        _ stream: ResourceEstimate.Stream,
        _ configuration: Configuration
    ) -> [String] {
        guard let join = estimate.join else { return [] }
        let settings = configuration.join
        var lines = [
            "open impressions: \(grouped(join.load.openImpressions)) "
                + "of \(grouped(join.load.featureWords)) feature words "
                + "(\(grouped(stream.listLength)) values per list) "
                + "and ids of \(grouped(stream.idTextBytes)) bytes"
        ]
        if join.dropsImpressions {
            lines.append(
                "  join.max_open_impressions, \(grouped(settings.openImpressionsMax)), is less than "
                    + "the \(grouped(join.unlimitedOpenImpressions)) of this rate: impressions "
                    + "would be dropped untrained"
            )
        }
        lines.append("remembered ids: \(grouped(join.load.closedIDs))")
        if join.forgetsEarly {
            lines.append(
                "  join.max_closed_ids, \(grouped(settings.closedIDsMax)), is less than the "
                    + "\(grouped(join.unlimitedClosedIDs)) of this rate: ids would be forgotten "
                    + "before join.closed_memory"
            )
        }
        let joinBytes = join.load.encodedBytes
        return lines + [
            "memory of the join: about \(bytes(join.load.memoryBytes)); what changes while a snapshot "
                + "is written is there twice",
            "  when all limits of the configuration are reached, about \(bytes(join.loadMax.memoryBytes))",
            "snapshot before compression: about \(bytes(estimate.modelBytes + joinBytes)) "
                + "(model and optimizer \(bytes(estimate.modelBytes)), join \(bytes(joinBytes))), "
                + "and at most \(bytes(estimate.metricsBytesMax)) of metrics",
        ]
    }

    private static func grouped(_ number: Double) -> String {
        number < 1e18 ? grouped(Int(number.rounded(.up))) : "\(number)"
    }

    /// 1234567 as 1,234,567.
    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    private static func bytes(_ count: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\((value * 10).rounded() / 10) \(units[unit])"
    }
}
