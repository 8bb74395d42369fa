import ArgumentParser
import CBenchmark
import Configure
import Events
import Glibc
import Learn

/// How fast this core could train at best: what an example must read, change and multiply, at the
/// speeds that the core is measured to have for that.
struct RooflineBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roofline",
        abstract: "Measures what bounds the training of a configured model."
    )

    @Option(help: "A configuration of the model.")
    var config: String

    @Option(
        help: """
            The share of the first layer's rows that an example changes: those behind an open ReLU, \
            and the gates. About half.
            """
    )
    var changedShare = 0.5

    func run() throws {
        let configuration = try Configuration(file: config)
        let work = ExampleWork(configuration, changedShare: changedShare)
        let speeds = CoreSpeeds(floats: work.firstLayerWeights)
        var figures = Figures()
        figures["read_gigabytes_per_second"] = speeds.readBytesPerSecond / 1e9
        figures["update_gigabytes_per_second"] = speeds.updatedBytesPerSecond / 1e9
        figures["multiply_add_gigaflops"] = speeds.multiplyAddsPerSecond * 2 / 1e9
        figures["bound_sgd_examples_per_second"] = 1 / work.seconds(at: speeds, statesPerWeight: 0)
        figures["bound_adagrad_examples_per_second"] =
            1 / work.seconds(at: speeds, statesPerWeight: 1)
        try figures.print()
    }
}

/// What training one example takes at least.
private struct ExampleWork {
    /// The experts' first layers and the gates: what does not fit the first cache.
    let firstLayerWeights: Int
    /// All others but the embeddings: they stay in the first cache.
    private let otherWeights: Int
    private let changedShare: Double

    init(_ configuration: Configuration, changedShare: Double) {
        let network = configuration.learn.network
        let inputs = configuration.schema.fields.reduce(0) {
            $0 + ($1.rows > 0 ? network.embeddingDimension : 1)
        }
        let gates = network.experts * (network.gates == .perTask ? 2 : 1)
        let first = network.expertLayers[0]
        firstLayerWeights = inputs * (network.experts * first + gates)
        var others = 0
        for (from, to) in zip(network.expertLayers, network.expertLayers.dropFirst()) {
            others += network.experts * from * to
        }
        let tower = [network.expertLayers.last ?? first] + network.towerLayers + [1]
        for (from, to) in zip(tower, tower.dropFirst()) { others += 2 * from * to }
        otherWeights = others
        self.changedShare = changedShare
    }

    /// - Parameter statesPerWeight: numbers of optimizer state that are changed with a weight.
    func seconds(at speeds: CoreSpeeds, statesPerWeight: Int) -> Double {
        let bytes = Double(firstLayerWeights * MemoryLayout<Float>.stride)
        let forward = bytes / speeds.readBytesPerSecond
        let changed = bytes * changedShare * Double(1 + statesPerWeight)
        let others = Double(otherWeights) * (1 + 2 * changedShare)
        return forward + changed / speeds.updatedBytesPerSecond
            + others / speeds.multiplyAddsPerSecond
    }
}

/// The medians of many measurements, each of about a millisecond: what else the machine does slows
/// these like the learner, which they are compared with.
private struct CoreSpeeds {
    let readBytesPerSecond: Double
    /// Bytes that are read and written.
    let updatedBytesPerSecond: Double
    let multiplyAddsPerSecond: Double

    init(floats: Int) {
        let count = (floats + 63) / 64 * 64
        // On a large page, as the learner's are: which lines share a place in the cache does not
        // depend on the system's choice of pages then.
        let pageBytes = max(2 << 20, count * MemoryLayout<Float>.stride)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 2 << 20)
        defer { unsafe memory.deallocate() }
        unsafe madvise(memory, pageBytes, MADV_HUGEPAGE)
        let values = unsafe memory.initializeMemory(as: Float.self, repeating: 0.5, count: count)
        let bytes = Double(count * MemoryLayout<Float>.stride)
        let passes = max(1, 4_000_000 / count)
        let rounds = 100_000
        var (reading, updating, multiplying): ([Double], [Double], [Double]) = ([], [], [])
        var sum: Float = 0
        for _ in 0..<300 {
            reading.append(
                processorSeconds {
                    for _ in 0..<passes { unsafe sum += cbenchmark_read(values, count) }
                }
            )
            updating.append(
                processorSeconds {
                    for _ in 0..<passes { unsafe cbenchmark_update(values, count) }
                }
            )
            multiplying.append(processorSeconds { sum += cbenchmark_multiply_add(rounds) })
        }
        precondition(!sum.isNaN)
        readBytesPerSecond = bytes * Double(passes) / Self.median(reading)
        updatedBytesPerSecond = bytes * Double(passes) / Self.median(updating)
        multiplyAddsPerSecond = Double(rounds * 96) / Self.median(multiplying)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
