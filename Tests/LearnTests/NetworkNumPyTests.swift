import Events
import Foundation
import Learn
import Testing

/// The network against an independent implementation in NumPy and float64: the same examples, the same
/// start, and every parameter compared.
@Suite("Agreement with NumPy")
struct NetworkNumPyTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var optimizer: OptimizerSettings
        var loss: FocalLoss
        var settings = NetworkSettings(
            embeddingDimension: 4,
            experts: 3,
            expertLayers: [9],
            towerLayers: [7]
        )
    }

    static let cases: [Case] = {
        let optimizers: [(String, OptimizerSettings)] = [
            ("SGD", OptimizerSettings(method: .sgd, embeddingRate: 0.3, denseRate: 0.05)),
            (
                "Adagrad",
                OptimizerSettings(
                    method: .adagrad(initialAccumulator: 0.1, epsilon: 1e-6, accumulatorMax: 2),
                    embeddingRate: 0.05,
                    denseRate: 0.02
                )
            ),
            (
                "FTRL",
                OptimizerSettings(
                    method: .ftrl(beta: 1, l1: 0.001, l2: 0.01),
                    embeddingRate: 0.1,
                    denseRate: 0.05
                )
            ),
        ]
        let losses = [
            ("focal loss", FocalLoss(gamma: 2, alpha: 0.25)),
            ("log loss", FocalLoss(gamma: 0, alpha: nil)),
        ]
        var cases = optimizers.flatMap { optimizer in
            losses.map { loss in
                Case(
                    testDescription: "\(optimizer.0), \(loss.0)",
                    optimizer: optimizer.1,
                    loss: loss.1
                )
            }
        }
        cases.append(
            Case(
                testDescription: "Adagrad, deep experts, shared gate",
                optimizer: optimizers[1].1,
                loss: losses[0].1,
                settings: NetworkSettings(
                    embeddingDimension: 3,
                    experts: 2,
                    expertLayers: [9, 6],
                    gates: .shared,
                    towerLayers: [5, 4]
                )
            )
        )
        for (name, optimizer) in optimizers {
            var job = Case(
                testDescription: "\(name), with a linear part",
                optimizer: optimizer,
                loss: losses[0].1
            )
            job.settings.wide = true
            job.optimizer.wideRate = 0.2
            cases.append(job)
        }
        return cases
    }()

    struct TrainingExample {
        var features: NetworkTestFeatures
        var labels: Labels
        var ctrWeight: Float
        var ctcvrWeight: Float
    }

    @Test("2,000 examples leave the same parameters", arguments: cases)
    func agrees(job: Case) throws {
        let seed: UInt64 = 20
        var random = NetworkTestRandom(seed: seed)
        let examples = (0..<2000).map { _ in TrainingExample.random(&random) }
        var network = Network.test(job.settings, optimizer: job.optimizer, loss: job.loss)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "freshet-numpy-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(job, network, examples, to: folder)

        for example in examples {
            let prediction = network.train(
                features: example.features.words.span,
                labels: example.labels,
                ctrWeight: example.ctrWeight,
                ctcvrWeight: example.ctcvrWeight
            )
            #expect(prediction != nil)
        }

        try runReference(folder)
        let data = try Data(contentsOf: folder.appendingPathComponent("trained.json"))
        let reference = try JSONDecoder().decode([String: [Double]].self, from: data)
        for tensor in network.tensors {
            let values = try network.tensor(tensor.name).map(Double.init)
            let expected = try #require(reference[tensor.name], "\(tensor.name)")
            try #require(values.count == expected.count)
            let square = expected.reduce(0) { $0 + $1 * $1 } / Double(expected.count)
            let errors = zip(values, expected).map {
                abs($0 - $1) / max(abs($1), square.squareRoot())
            }
            let worst = errors.max() ?? 0
            #expect(worst <= 1e-4, "\(tensor.name) differs by \(worst), seed \(seed)")
        }
    }

    private func write(
        _ job: Case,
        _ network: borrowing Network,
        _ examples: [TrainingExample],
        to folder: URL
    ) throws {
        var parameters: [String: [Double]] = [:]
        for tensor in network.tensors {
            parameters[tensor.name] = network.values(of: tensor.name)?.map(Double.init)
        }
        let object: [String: Any] = [
            "dimension": job.settings.embeddingDimension,
            "experts": job.settings.experts,
            "expert_layers": job.settings.expertLayers.count,
            "tower_layers": job.settings.towerLayers.count,
            "shared_gate": job.settings.gates == .shared,
            "gamma": job.loss.gamma,
            "alpha": job.loss.alpha as Any? ?? NSNull(),
            "optimizer": job.optimizer.json,
            "fields": [
                ["category", "row"], ["recent", "mean"], ["basket", "sum"], ["price", "number"],
                ["age", "row"],
            ],
            "parameters": parameters,
            "examples": examples.map(\.json),
        ]
        try JSONSerialization.data(withJSONObject: object).write(
            to: folder.appendingPathComponent("job.json")
        )
    }

    /// Runs the reference with $FRESHET_PYTHON, or python3.
    private func runReference(_ folder: URL) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Reference/esmm_reference.py")
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_NUM_THREADS"] = "1"
        let python = environment["FRESHET_PYTHON"] ?? "python3"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, script.path, folder.path]
        process.environment = environment
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the reference failed: \(text)")
    }
}

extension NetworkNumPyTests.TrainingExample {
    static func random(_ random: inout NetworkTestRandom) -> Self {
        Self(
            features: .random(&random),
            labels: networkTestLabels.randomElement(using: &random)!,
            ctrWeight: .random(in: 0.5..<2, using: &random),
            ctcvrWeight: .random(in: 0.5..<2, using: &random)
        )
    }

    /// Float values as the Doubles that they are.
    var json: [Any] {
        [
            [
                Int(features.category), features.meanList.map(Int.init),
                features.sumList.map(Int.init), Double(features.number), Int(features.bucket),
            ] as [Any],
            labels.ctr.map { $0 ? 1 : 0 } as Any? ?? NSNull(),
            labels.ctcvr.map { $0 ? 1 : 0 } as Any? ?? NSNull(),
            Double(ctrWeight),
            Double(ctcvrWeight),
        ]
    }
}

extension OptimizerSettings {
    fileprivate var json: [String: Any] {
        var json: [String: Any] = [
            "embedding_rate": Double(embeddingRate), "dense_rate": Double(denseRate),
            "wide_rate": Double(wideRate),
        ]
        switch method {
        case .sgd:
            json["method"] = "sgd"
        case .adagrad(let initialAccumulator, let epsilon, let accumulatorMax):
            json["method"] = "adagrad"
            json["initial_accumulator"] = Double(initialAccumulator)
            json["epsilon"] = Double(epsilon)
            json["accumulator_max"] = Double(accumulatorMax)
        case .ftrl(let beta, let l1, let l2):
            json["method"] = "ftrl"
            json["beta"] = Double(beta)
            json["l1"] = Double(l1)
            json["l2"] = Double(l2)
        }
        return json
    }
}
