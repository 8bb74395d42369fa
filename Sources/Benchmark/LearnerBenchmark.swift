import ArgumentParser
import Configure
import Events
import Learn

/// The learner alone, one pass: each example is predicted, scored and trained in one forward pass.
struct LearnerBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learner",
        abstract: "Times training alone, and tells its quality."
    )

    @Option(
        help:
            "A folder of event files; without it examples are random, of --fields and --rows-total."
    )
    var events: String?

    @Option(help: "A configuration of its features.")
    var config: String

    @Option(help: "Take no more examples than this.")
    var examples = 300_000

    @Option(help: "Random examples: categorical fields of the model.")
    var fields = 20

    @Option(help: "Random examples: rows of all tables together.")
    var rowsTotal = 1_000_000

    @OptionGroup var model: ModelVariant

    @OptionGroup var reference: ReferenceOptions

    /// Examples of a turn: some milliseconds.
    private static var turn: Int { 500 }

    func run() throws {
        var configuration = try Configuration(file: config)
        try model.apply(to: &configuration)
        let labelled: TrainingExamples
        if let events {
            labelled = try TrainingExamples(
                folder: events,
                configuration: configuration,
                countMax: examples
            )
        } else {
            let scale = SyntheticScale(fields: fields, rows: rowsTotal)
            configuration.schema = scale.schema
            labelled = scale.examples(count: examples)
        }
        var run = TrainingRun(configuration, path: model.path)
        var reference = try reference.makeReference()
        for start in stride(from: 0, to: labelled.count, by: Self.turn) {
            run.train(labelled, start..<min(start + Self.turn, labelled.count))
            reference?.catchUp(to: run.seconds)
        }
        var figures = run.figures
        figures["scalar_examples_per_second"] = reference?.examplesPerSecond
        figures["peak_memory_megabytes"] = peakMemoryBytes() / 1e6
        try figures.print()
    }

    func validate() throws {
        guard fields > 0, rowsTotal >= 2 * fields, examples > 0 else {
            throw ValidationError("--fields, --rows-total and --examples: too small")
        }
    }
}

/// A fresh network, trained on examples, each of them scored.
struct TrainingRun: ~Copyable {
    private var network: Network
    private var metrics: Metrics
    private let calibration: Calibration
    /// Processor seconds of training and scoring.
    private(set) var seconds = 0.0
    private var count = 0

    init(_ configuration: Configuration, path: KernelPath) {
        let learn = configuration.learn
        calibration = Calibration(learn.loss)
        metrics = Metrics(cohortWidth: .max, maturity: 0)
        let biases = calibration.outputBiases(ctr: learn.baseCTR, ctcvr: learn.baseCTCVR)
        network = Network(
            schema: configuration.schema,
            settings: learn.network,
            optimizer: learn.optimizer,
            loss: learn.loss,
            embeddingDeviation: learn.embeddingDeviation,
            outputBiases: (ctr: Float(biases.ctr), cvr: Float(biases.cvr)),
            seed: learn.seed,
            kernelPath: path
        )
    }

    var examplesPerSecond: Double { Double(count) / seconds }

    /// Trains on some of the examples.
    mutating func train(_ examples: TrainingExamples, _ range: Range<Int>) {
        let words = examples.words
        count += range.count
        seconds += processorSeconds {
            for index in range {
                let labels = examples.labels[index]
                let prediction = network.train(
                    features: words.span.extracting(examples.range(index)),
                    labels: labels,
                    ctrWeight: 1,
                    ctcvrWeight: 1
                )
                guard let prediction else { continue }
                metrics.score(
                    Example(
                        time: 0,
                        impressionTime: 0,
                        labels: labels,
                        ctrWeight: 1,
                        ctcvrWeight: 1,
                        prediction: prediction
                    ),
                    calibration: calibration
                )
            }
        }
    }

    /// Examples per second, and how good the predictions were that were made before training.
    var figures: Figures {
        let tasks = metrics.report().all
        var figures = Figures()
        figures["examples_per_second"] = examplesPerSecond
        figures["ctr_auc"] = tasks.ctr.auc
        figures["ctcvr_auc"] = tasks.ctcvr.auc
        figures["ctr_normalized_entropy"] = tasks.ctr.normalizedEntropy
        figures["ctcvr_normalized_entropy"] = tasks.ctcvr.normalizedEntropy
        figures["ctr_calibration"] = tasks.ctr.calibration
        figures["parameters"] = Double(network.parameterCount)
        return figures
    }
}
