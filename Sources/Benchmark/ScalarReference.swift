import ArgumentParser
import Configure
import Learn

/// What the scalar learner is run on, in turns with what is measured.
struct ReferenceOptions: ParsableArguments {
    @Option(
        help: """
            A folder of event files: the scalar learner trains on them by SGD, in turns with what is \
            measured.
            """
    )
    var referenceEvents: String?

    @Option(help: "Their configuration.")
    var referenceConfig: String?

    func validate() throws {
        guard (referenceEvents == nil) == (referenceConfig == nil) else {
            throw ValidationError("--reference-events and --reference-config go together")
        }
    }

    /// nil if none is asked for.
    func makeReference() throws -> ScalarReference? {
        guard let referenceEvents, let referenceConfig else { return nil }
        return try ScalarReference(events: referenceEvents, config: referenceConfig)
    }
}

/// The scalar learner, which ratios are stated against. It runs in turns of some milliseconds with what
/// is measured, for as long: both then meet the same moments of a shared machine, so that their ratio
/// stays where neither speed does.
struct ScalarReference: ~Copyable {
    private let examples: TrainingExamples
    private var run: TrainingRun
    private var position = 0

    private static var step: Int { 10 }

    init(events: String, config: String) throws {
        var configuration = try Configuration(file: config)
        configuration.learn.tune(.sgd)
        let examples = try TrainingExamples(
            folder: events,
            configuration: configuration,
            countMax: 100_000
        )
        guard examples.count >= Self.step else {
            throw ValidationError("\(events) has no \(Self.step) impressions")
        }
        self.examples = examples
        run = TrainingRun(configuration, path: .scalar)
    }

    var examplesPerSecond: Double { run.examplesPerSecond }

    /// Runs until it has taken as many processor seconds in all.
    mutating func catchUp(to seconds: Double) {
        while run.seconds < seconds {
            if position + Self.step > examples.count { position = 0 }
            run.train(examples, position..<position + Self.step)
            position += Self.step
        }
    }
}
