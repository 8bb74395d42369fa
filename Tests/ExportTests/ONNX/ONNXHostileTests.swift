import Events
import Export
import Foundation
import Learn
import ONNXMessages
import SwiftProtobuf
import Testing

/// Files that are not what was written: one clear error, or probabilities, but never a crash.
@Suite("Hostile ONNX")
struct ONNXHostileTests {
    static let model = ExportedModel(
        testDescription: "",
        network: NetworkSettings(
            embeddingDimension: 2,
            experts: 2,
            expertLayers: [3],
            towerLayers: [2]
        )
    )
    static let path = "export/model.onnx"
    static let dataPath = "export/model.onnx.data"

    let batch: ImpressionBatch
    let written: [String: [UInt8]]
    let writtenExternally: [String: [UInt8]]

    init() throws {
        var random = ExportRandom(seed: 3)
        let model = Self.model
        batch = model.batch(model.impressions(5, using: &random))
        func write(_ threshold: Int) throws -> [String: [UInt8]] {
            let files = StagedFiles()
            _ = try model.scorer(seed: 3).withModel { model throws(ExportError) in
                try ONNXModelWriter(
                    metadata: [("model_id", "1")],
                    externalDataThreshold: threshold
                ).write(model, to: "export", files: files)
            }
            return files.contents
        }
        written = try write(1 << 30)
        writtenExternally = try write(0)
    }

    /// Whether the files still give as many results as there are impressions.
    @discardableResult
    private func score(_ contents: [String: [UInt8]]) -> Bool {
        do {
            let scorer = try ONNXScorer(
                directory: "export",
                schema: Self.model.schema,
                files: StagedFiles(contents)
            )
            let results = try scorer.score(batch)
            #expect(results.count == batch.count)
            return true
        } catch {
            #expect(error.description.contains("export/model.onnx"))
            #expect(error.description.utf8.count < 2000)
            return false
        }
    }

    private func error(_ contents: [String: [UInt8]]) throws -> String {
        let error = try #require(throws: ExportError.self) {
            let scorer = try ONNXScorer(
                directory: "export",
                schema: Self.model.schema,
                files: StagedFiles(contents)
            )
            _ = try scorer.score(batch)
        }
        return error.description
    }

    /// The error for a message that was changed.
    private func error(
        external: Bool = false,
        _ change: (inout ONNXModelProto) -> Void
    ) throws -> String {
        var contents = external ? writtenExternally : written
        var message = try ONNXModelProto(serializedBytes: contents[Self.path]!)
        change(&message)
        contents[Self.path] = try message.serializedBytes()
        return try error(contents)
    }

    @Test("thousands of altered bytes")
    func alteredBytes() throws {
        let seed: UInt64 = 21
        var random = ExportRandom(seed: seed)
        var survivors = 0
        for round in 0..<6000 {
            var contents = round % 3 == 0 ? writtenExternally : written
            let path = round % 30 == 0 ? Self.dataPath : Self.path
            var bytes = contents[path, default: []]
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: bytes.removeSubrange(position..<min(position + 9, bytes.count))
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
                case 2: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 3: bytes[position] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
                case 4: bytes.insert(contentsOf: bytes[..<position].suffix(40), at: position)
                default: bytes[position] = UInt8.random(in: 0...255, using: &random)
                }
            }
            contents[path] = bytes
            if score(contents) { survivors += 1 }
        }
        // Both outcomes occur: what was altered was read.
        #expect(survivors > 100 && survivors < 5900, "seed \(seed)")
    }

    @Test("a file cut short anywhere")
    func truncated() throws {
        let whole = written[Self.path]!
        for length in stride(from: 0, to: whole.count, by: 7) {
            score([Self.path: Array(whole[..<length])])
        }
        var contents = writtenExternally
        for missing in [1, 100, contents[Self.dataPath]!.count] {
            contents[Self.dataPath] = writtenExternally[Self.dataPath]!.dropLast(missing)
            #expect(try error(contents).contains("too few for"))
        }
        contents[Self.dataPath] = nil
        #expect(try error(contents) == "open \(Self.dataPath): none")
        #expect(try error([:]) == "open \(Self.path): none")
        #expect(try error([Self.path: Array("no model".utf8)]).contains("not a sound ONNX file"))
    }

    @Test("thousands of altered messages")
    func alteredMessages() throws {
        let seed: UInt64 = 22
        var random = ExportRandom(seed: seed)
        let whole = try ONNXModelProto(serializedBytes: written[Self.path]!)
        var survivors = 0
        for _ in 0..<2500 {
            var message = whole
            for _ in 0..<Int.random(in: 1...2, using: &random) { message.alter(&random) }
            if score([Self.path: try message.serializedBytes()]) { survivors += 1 }
        }
        #expect(survivors > 50 && survivors < 2400, "seed \(seed)")
    }

    @Test("a shape that claims more than there is")
    func claims() throws {
        for dims in [[1 << 40, 8], [-1, 8], [0], [.max, .max], [3, 3, 3], [1 << 62, 4, 4]] {
            let reason = try error { $0.graph.initializer[0].dims = dims.map(Int64.init) }
            #expect(reason.contains("initializer embedding.user_id.weight"))
        }
    }

    @Test("external data that lies elsewhere")
    func externalData() throws {
        let cases = [
            ("location", "../../etc/passwd", "does not lie in model.onnx.data"),
            ("location", "/etc/passwd", "does not lie in model.onnx.data"),
            ("offset", "9000000000000000000", "too few for"),
            ("offset", "9223372036854775807", "bytes of data"),
            ("offset", "-4096", "does not say where"), ("offset", "x", "does not say where"),
            ("length", "16", "bytes of data"), ("length", "-1", "bytes of data"),
        ]
        for (key, value, reason) in cases {
            let text = try error(external: true) { message in
                for index in 0..<3 where message.graph.initializer[0].externalData[index].key == key
                {
                    message.graph.initializer[0].externalData[index].value = value
                }
            }
            #expect(text.contains(reason), "\(key) \(value): \(text)")
        }
        let overlap = try error(external: true) { message in
            message.graph.initializer[1].externalData = message.graph.initializer[0].externalData
            message.graph.initializer[1].dims = message.graph.initializer[0].dims
        }
        #expect(overlap.contains("overlaps"))
    }

    @Test("a graph whose inputs or outputs are not the features' and ours")
    func foreignGraph() throws {
        #expect(try error { $0.graph.input.removeLast() }.contains("has 8 inputs"))
        #expect(
            try error { $0.graph.input[0].name = "user" }.contains("no input for feature user_id")
        )
        #expect(
            try error { $0.graph.input[0].type.tensorType.elemType = 1 }.contains("input user_id")
        )
        #expect(
            try error { $0.graph.input[0].type.tensorType.shape.dim[0].dimValue = 1 << 40 }
                .contains("input user_id")
        )
        #expect(try error { $0.graph.output.removeLast() }.contains("outputs are not"))
        #expect(try error { $0.graph.output[0].name = "x" }.contains("outputs are not"))
        #expect(try error { $0.opsetImport[0].version = 18 }.contains("operator set 17"))
        #expect(try error { $0.opsetImport[0].domain = "ai.onnx.ml" }.contains("operator set 17"))
        #expect(try error { $0.clearGraph() }.contains("has 0 inputs"))
    }

    @Test("a graph that does not hold together")
    func brokenGraph() throws {
        #expect(try error { $0.graph.node[3].opType = "Loop" }.contains("the operator Loop"))
        #expect(try error { $0.graph.node[3].domain = "com.x" }.contains("of domain com.x"))
        #expect(try error { $0.graph.node.reverse() }.contains("which nothing before it gives"))
        #expect(try error { $0.graph.node.removeLast() }.contains("needs ctcvr"))
        #expect(
            try error { $0.graph.node[1].output = $0.graph.node[0].output }.contains("two values")
        )
        #expect(try error { $0.graph.node[1].output.append("more") }.contains("2 outputs"))
        #expect(try error { $0.graph.node[0].input.append("x") }.contains("3 inputs"))
        #expect(
            try error { $0.graph.initializer[0].dims = [1, 102] }.contains("of a table of 1")
        )
    }

    @Test("a graph that asks for more and more memory is refused")
    func memory() throws {
        // x is called x.2 here, a field being called x; likewise axis.1. Each round squares its elements.
        let reason = try error { message in
            var nodes = message.graph.node
            let last = nodes.firstIndex { $0.output == ["x.2"] }!
            var value = "x.2"
            var inserted: [ONNXNodeProto] = []
            for round in 0..<8 {
                inserted.append(.test("Unsqueeze", [value, "axis.1.2"], "wide\(round)"))
                inserted.append(.test("Unsqueeze", [value, "axis.2"], "long\(round)"))
                inserted.append(.test("Add", ["wide\(round)", "long\(round)"], "cross\(round)"))
                value = "cross\(round)"
            }
            nodes.insert(contentsOf: inserted, at: last + 1)
            message.graph.node = nodes
        }
        #expect(reason.contains("too large") || reason.contains("too much memory"))
    }

    @Test("many large values that are alive at once are refused")
    func liveMemory() throws {
        let reason = try error { message in
            // 1 MiB of data repeated for every impression, again and again, until the end.
            var vector = ONNXTensorProto()
            vector.name = "vector"
            vector.dataType = 1
            vector.dims = [1 << 18]
            vector.rawData = Data(count: 1 << 20)
            message.graph.initializer.append(vector)
            let last = message.graph.node.firstIndex { $0.output == ["user_id.embedding"] }!
            var inserted: [ONNXNodeProto] = [
                .test("Unsqueeze", ["größe des Korbs", "axis.1.2"], "column")
            ]
            for round in 0..<1000 {
                inserted.append(.test("Add", ["column", "vector"], "copy\(round)"))
            }
            let copies = (0..<1000).map { "copy\($0)" }
            var joined = ONNXNodeProto.test("Concat", copies, "copies")
            joined.attribute = message.graph.node.first { $0.opType == "Concat" }!.attribute
            message.graph.node.insert(contentsOf: inserted + [joined], at: last + 1)
        }
        #expect(reason.contains("too much memory"))
    }
}

extension ONNXNodeProto {
    fileprivate static func test(_ type: String, _ inputs: [String], _ output: String) -> Self {
        var node = ONNXNodeProto()
        node.opType = type
        node.name = output
        node.input = inputs
        node.output = [output]
        return node
    }
}

extension ONNXModelProto {
    /// One change to one node or initializer: still a sound message, hardly ever a sound graph.
    fileprivate mutating func alter(_ random: inout ExportRandom) {
        let node = Int.random(in: 0..<graph.node.count, using: &random)
        let other = Int.random(in: 0..<graph.node.count, using: &random)
        let tensor = Int.random(in: 0..<graph.initializer.count, using: &random)
        let numbers: [Int64] = [-1, 0, 1, 2, 3, 7, 1 << 31, 1 << 62, .min, .max]
        switch Int.random(in: 0..<9, using: &random) {
        case 0: graph.node.swapAt(node, other)
        case 1: graph.node[node].opType = graph.node[other].opType
        case 2: graph.node[node].attribute = graph.node[other].attribute
        case 3:
            let names = [
                graph.node[other].output[0], graph.initializer[tensor].name,
                graph.input.randomElement(using: &random)!.name,
            ]
            let input = graph.node[node].input.indices.randomElement(using: &random)!
            graph.node[node].input[input] = names.randomElement(using: &random)!
        case 4: graph.node.remove(at: node)
        case 5:
            for index in graph.node[node].attribute.indices {
                graph.node[node].attribute[index].i = numbers.randomElement(using: &random)!
            }
        case 6: graph.initializer[tensor].dims.shuffle(using: &random)
        case 7:
            graph.initializer[tensor].rawData = Data(
                graph.initializer[tensor].rawData.map { _ in .random(in: 0...255, using: &random) }
            )
        default:
            graph.initializer[tensor].dataType = Int32.random(in: 0...12, using: &random)
        }
    }
}
