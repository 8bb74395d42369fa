import Configure
import Export
import Foundation
import Learn
import Snapshot
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    static let optimizers = [
        "optimizer: {method: sgd}", "optimizer: {method: adagrad}",
        "optimizer: {method: ftrl, l1: 0.001}", "optimizer: {method: ftrl, wide_rate: 0.2}",
    ]

    @Test(
        "Python's safetensors reads every tensor and the metadata",
        arguments: optimizers,
        [false, true]
    )
    func python(optimizer: String, withOptimizer: Bool) throws {
        let model = try TrainedModel(optimizer, wide: optimizer.contains("wide_rate"))
        let folder = try TemporaryFolder()
        let path = try model.write(to: folder, withOptimizer: withOptimizer)
        let printed = try JSONSerialization.jsonObject(
            with: runReference("read_safetensors.py", [path])
        )
        let file = try #require(printed as? [String: Any])

        let metadata = try #require(file["metadata"] as? [String: String])
        #expect(metadata == Dictionary(model.metadata.map { ($0.key, $0.value) }) { $1 })
        try expect(file["statistics"], model.state.statistics)

        let tensors = try #require(file["tensors"] as? [String: [String: Any]])
        let network = NetworkTensors(
            schema: model.configuration.schema,
            settings: model.configuration.learn.network
        )
        let stateNames =
            withOptimizer ? model.configuration.learn.optimizer.method.stateNames : []
        #expect(tensors.count == network.all.count * (1 + stateNames.count))
        for tensor in network.all {
            let parameters = model.state.network.parameters
            try expect(tensors[tensor.name], tensor.shape, parameters[tensor.range])
            for (slot, name) in stateNames.enumerated() {
                let state = model.state.network.optimizerState
                    .dropFirst(slot * network.parameterCount)
                let start = state.startIndex + tensor.range.lowerBound
                try expect(
                    tensors["\(tensor.name).\(name)"],
                    tensor.shape,
                    state[start..<start + tensor.range.count]
                )
            }
        }
    }

    private func expect(
        _ tensor: [String: Any]?,
        _ shape: [Int],
        _ values: ArraySlice<Float>
    ) throws {
        let tensor = try #require(tensor)
        #expect(tensor["shape"] as? [Int] == shape)
        let text = try #require(tensor["values"] as? String)
        let bytes = try #require(Data(base64Encoded: text))
        let expected = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        #expect(Array(bytes) == expected)
    }

    /// Python reads the very numbers, which it prints as hexadecimal fractions.
    private func expect(_ printed: Any?, _ statistics: NumericStatistics) throws {
        let fields = try #require(printed as? [[Any]])
        #expect(fields.map { $0[0] as? String } == statistics.names)
        for (field, moments) in zip(fields, statistics.moments) {
            #expect((field[1] as? NSNumber)?.uint64Value == moments.count)
            #expect(Double(field[2] as? String ?? "") == moments.mean)
            #expect(Double(field[3] as? String ?? "") == moments.squaredDeviations)
        }
    }

    @Test("a file read back is the model, to the bit", arguments: optimizers, [false, true])
    func readBack(optimizer: String, withOptimizer: Bool) throws {
        let model = try TrainedModel(optimizer, wide: optimizer.contains("wide_rate"))
        let folder = try TemporaryFolder()
        let path = try model.write(to: folder, withOptimizer: withOptimizer)
        let read = try SafetensorsModel(file: path)
        #expect(read.configuration.fingerprint == model.configuration.fingerprint)
        #expect(read.learned.schema == model.configuration.schema)
        #expect(read.learned.statistics == model.state.statistics)
        #expect(read.learned.network.parameters == model.state.network.parameters)
        let state = withOptimizer ? model.state.network.optimizerState : []
        #expect(read.learned.network.optimizerState == state)
        #expect(read.metadata["line\nbreak"] == "\u{1}\t\\\"ü😀")

        var random = model.random
        var batch = ImpressionBatch()
        for _ in 0..<200 { batch.append(model.configuration.schema.randomWords(&random)) }
        let expected = try NetworkScorer(model.serving()).score(batch)
        #expect(try SafetensorsScorer(read).score(batch) == expected)
    }

    @Test("a file that Python's safetensors wrote, in its own order, reads the same")
    func rewritten() throws {
        let model = try TrainedModel()
        let folder = try TemporaryFolder()
        let path = try model.write(to: folder, withOptimizer: true)
        _ = try runReference("write_safetensors.py", [path, folder.path("again.safetensors")])
        let read = try SafetensorsModel(file: folder.path("again.safetensors"))
        #expect(read.learned.network == model.state.network)
        #expect(read.learned.statistics == model.state.statistics)
    }

    @Test("size and checksum are those of the file, and its values begin at a multiple of 8")
    func written() throws {
        let folder = try TemporaryFolder()
        let model = try TrainedModel(steps: 3)
        let path = folder.path("model.safetensors")
        let written = try SafetensorsWriter().write(
            model.serving(),
            metadata: model.metadata,
            to: path
        )
        let bytes = folder.read("model.safetensors")
        #expect(written.bytes == bytes.count)
        #expect(written.checksum == (try SafetensorsModel(file: path)).checksum)
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(header % 8 == 0)
        // The same model gives the same file.
        _ = try SafetensorsWriter().write(model.serving(), metadata: model.metadata, to: path)
        #expect(folder.read("model.safetensors") == bytes)
    }

    @Test("a place that cannot be written is named")
    func unwritable() throws {
        let model = try TrainedModel(steps: 1)
        let error = #expect(throws: ExportError.self) {
            try SafetensorsWriter().write(
                model.serving(),
                metadata: [],
                to: "/proc/none/model.safetensors"
            )
        }
        #expect(error?.description.contains("/proc/none/model.safetensors") == true)
    }

    @Test("every file operation that fails, or writes in part, is an error")
    func faults() throws {
        let model = try TrainedModel(steps: 1)
        let files = FaultyFileSystem()
        func write() throws {
            _ = try SafetensorsWriter(files: files).write(
                model.serving(),
                metadata: model.metadata,
                to: "model.safetensors"
            )
        }
        files.inject(.none)
        try write()
        let whole = try SafetensorsModel(file: "model.safetensors", files: files)
        #expect(whole.learned.network.parameters == model.state.network.parameters)
        files.inject(.none)
        try write()
        let operations = files.operations
        #expect(operations > 20)
        for operation in 0..<operations {
            files.inject(operation % 2 == 0 ? .fail(at: operation) : .shortWrite(at: operation))
            #expect(throws: ExportError.self, "operation \(operation)") { try write() }
        }
    }

    @Test("values that no training gives are refused, naming the tensor")
    func values() throws {
        let folder = try TemporaryFolder()
        let model = try TrainedModel(steps: 5)
        let tensors = NetworkTensors(
            schema: model.configuration.schema,
            settings: model.configuration.learn.network
        )
        let tensor = try #require(tensors.all.first { $0.name == "tower.cvr.0.bias" })
        let flaws: [(value: Float, isState: Bool, name: String)] = [
            (.nan, false, "tower.cvr.0.bias"), (-.infinity, false, "tower.cvr.0.bias"),
            (.infinity, true, "tower.cvr.0.bias.accumulator"),
            (-1, true, "tower.cvr.0.bias.accumulator"),
        ]
        for (value, isState, name) in flaws {
            var network = model.state.network
            if isState {
                network.optimizerState[tensor.range.lowerBound] = value
            } else {
                network.parameters[tensor.range.lowerBound] = value
            }
            let path = folder.path("model.safetensors")
            _ = try SafetensorsWriter().write(
                ServingModel(
                    schema: model.configuration.schema,
                    settings: model.configuration.learn,
                    statistics: model.state.statistics,
                    parameters: network.parameters
                ),
                optimizerState: network.optimizerState,
                metadata: model.metadata,
                to: path
            )
            let error = #expect(throws: ExportError.self) { try SafetensorsModel(file: path) }
            #expect(error?.description.contains("\"\(name)\"") == true, "\(value)")
        }
    }
}
