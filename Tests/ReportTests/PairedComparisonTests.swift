import Foundation
import Learn
import Report
import TestSupport
import Testing

@Suite("Paired comparisons")
struct PairedComparisonTests {
    private func cohorts(_ count: Int, seed: UInt64) -> (first: [TestCohort], other: [TestCohort]) {
        var random = SeededGenerator(seed: seed)
        let first = (0..<count).map { TestCohort.random($0, using: &random) }
        return (first, first.map { $0.varied(using: &random) })
    }

    private func compare(
        _ first: [TestCohort],
        _ other: [TestCohort],
        seed: UInt64 = 1
    ) -> PairedComparison {
        PairedComparison(
            first: ("first", first.map(\.summary)),
            other: ("other", other.map(\.summary)),
            seed: seed
        )
    }

    private func figures(_ task: TaskDifferences) -> [FigureDifference] {
        [task.logLoss, task.normalizedEntropy, task.calibration, task.auc]
    }

    @Test("have the figures and intervals of a slow NumPy computation", arguments: [5, 8, 30, 200])
    func reference(count: Int) throws {
        let seed = UInt64(count)
        let (first, other) = cohorts(count, seed: seed)
        let folder = try TemporaryFolder()
        let job: [String: Any] = [
            "first": first.map(\.sums), "other": other.map(\.sums), "seed": 9_000 + count,
            "resamples": PairedComparison.resamples, "confidence": PairedComparison.confidence,
        ]
        let text = try JSONSerialization.data(withJSONObject: job)
        _ = try folder.write(String(decoding: text, as: UTF8.self), to: "job.json")
        try runReference(folder.path)
        let expected = try JSONDecoder().decode(
            Reference.self,
            from: folder.read("intervals.json")
        )
        let comparison = compare(first, other, seed: UInt64(9_000 + count))
        #expect(comparison.pairs == count)
        #expect(comparison.unpaired == 0)
        #expect(comparison.blockLength == expected.length)
        for task in [comparison.tasks.ctr, comparison.tasks.cvr, comparison.tasks.ctcvr] {
            for (index, figure) in figures(task).enumerated() {
                for (value, reference) in [
                    (figure.first, expected.first), (figure.other, expected.other),
                    (figure.low, expected.low), (figure.high, expected.high),
                ] {
                    let value = try #require(value)
                    #expect(
                        abs(value - reference[index]) < 1e-11,
                        "figure \(index), seed \(seed)"
                    )
                }
                #expect(figure.difference == figure.other! - figure.first!)
            }
        }
    }

    private struct Reference: Decodable {
        var length: Int
        var first: [Double]
        var other: [Double]
        var low: [Double]
        var high: [Double]
    }

    @Test("of a configuration with itself are exactly zero")
    func itself() {
        let (first, _) = cohorts(40, seed: 3)
        for task in [compare(first, first).tasks.ctr, compare(first, first).tasks.ctcvr] {
            for figure in figures(task) {
                #expect(figure.difference == 0)
                #expect(figure.low == 0)
                #expect(figure.high == 0)
                #expect(!figure.isClear)
            }
        }
    }

    @Test("are the same for the same seed, and others for another")
    func seeds() {
        let (first, other) = cohorts(40, seed: 4)
        #expect(compare(first, other, seed: 7) == compare(first, other, seed: 7))
        let (one, two) = (compare(first, other, seed: 7), compare(first, other, seed: 8))
        #expect(one.tasks.ctr.logLoss.low != two.tasks.ctr.logLoss.low)
        #expect(one.tasks.ctr.logLoss.difference == two.tasks.ctr.logLoss.difference)
    }

    @Test("take cohorts that one side joined and the other did not as one pair")
    func joined() {
        let (first, other) = cohorts(12, seed: 5)
        var joined = other
        let last = joined.remove(at: 6)
        joined[5].end = last.end
        for index in 0...3 { joined[5].sums[index] += last.sums[index] }
        let comparison = compare(first, joined)
        #expect(comparison.pairs == 11)
        #expect(comparison.unpaired == 0)
        let whole = compare(first, other)
        let loss = comparison.tasks.ctr.logLoss
        #expect(abs(loss.other! - whole.tasks.ctr.logLoss.other!) < 1e-12)
        #expect(abs(loss.first! - whole.tasks.ctr.logLoss.first!) < 1e-12)
    }

    @Test("leave out what only one side has, and say how much that is")
    func unpaired() {
        let (first, other) = cohorts(20, seed: 6)
        var fewer = other
        fewer.remove(at: 10)
        let comparison = compare(Array(first.dropFirst(3)), fewer)
        #expect(comparison.pairs == 16)
        #expect(comparison.unpaired == 4)
        let kept = Set(3..<20).subtracting([10]).sorted()
        #expect(
            comparison.tasks.ctr.logLoss
                == compare(kept.map { first[$0] }, kept.map { other[$0] }).tasks.ctr.logLoss
        )
    }

    @Test("of few cohorts have no intervals, of none no figures")
    func few() {
        let (first, other) = cohorts(4, seed: 7)
        let figure = compare(first, other).tasks.ctr.logLoss
        #expect(figure.difference != nil)
        #expect(figure.low == nil && figure.high == nil)
        let none = compare([], [])
        #expect(none.pairs == 0)
        #expect(none.tasks.ctr.logLoss.difference == nil)
    }

    @Test("leave undefined what has no positives, and count predictions all the same")
    func noPositives() {
        var (first, _) = cohorts(10, seed: 8)
        for index in first.indices { first[index].sums[1] = 0 }
        let task = compare(first, first).tasks.ctr
        #expect(task.calibration.first == nil)
        #expect(task.calibration.low == nil)
        #expect(task.normalizedEntropy.difference == nil)
        #expect(task.auc.first == nil)
        #expect(task.logLoss.difference == 0)
    }

    @Test("cover the true difference about as often as they claim")
    func coverage() {
        // Differences that depend on their neighbours: an interval of independent draws is too short.
        var random = SeededGenerator(seed: 11)
        var covered = 0
        let rounds = 200
        for round in 0..<rounds {
            var drift = 0.0
            var (first, other) = cohorts(150, seed: UInt64(round))
            for index in first.indices {
                drift = 0.5 * drift + .random(in: -0.01...0.01, using: &random)
                first[index].sums[0] = 1_000
                first[index].sums[3] = 300
                other[index].sums[0] = 1_000
                other[index].sums[3] = 300 + 1_000 * drift
            }
            let loss = compare(first, other, seed: UInt64(round)).tasks.ctr.logLoss
            if loss.low! <= 0 && loss.high! >= 0 { covered += 1 }
        }
        let share = Double(covered) / Double(rounds)
        #expect(share > 0.84 && share < 0.99, "\(share)")
    }

    @Test("use blocks that wrap around and give every cohort the same chance")
    func resamples() {
        var bootstrap = CircularBlockBootstrap(itemCount: 30, seed: 1)
        #expect(bootstrap.blockLength == 4)
        var totals = Array(repeating: 0, count: 30)
        for _ in 0..<20_000 {
            let multiplicities = bootstrap.next()
            #expect(multiplicities.reduce(0, +) == 30)
            for (index, count) in multiplicities.enumerated() { totals[index] += count }
        }
        for (index, total) in totals.enumerated() {
            #expect(abs(Double(total) / 20_000 - 1) < 0.06, "item \(index)")
        }
        #expect(CircularBlockBootstrap.blockLength(itemCount: 27) == 3)
        #expect(CircularBlockBootstrap.blockLength(itemCount: 28) == 4)
        #expect(CircularBlockBootstrap.blockLength(itemCount: 1) == 1)
    }

    /// Runs the reference with $FRESHET_PYTHON, or python3.
    private func runReference(_ folder: String) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Reference/bootstrap_reference.py")
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_NUM_THREADS"] = "1"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [environment["FRESHET_PYTHON"] ?? "python3", script.path, folder]
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
