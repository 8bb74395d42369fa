public import Events
public import Learn
internal import ONNXMessages
public import Snapshot

/// Scores by an exported `model.onnx`, read back from its files and evaluated node by node, by the
/// definition of the operators that exported models consist of: a second way to the probabilities
/// that has nothing in common with the learner's own.
public final class ONNXScorer: Scorer {
    /// Impressions, and elements of padded lists, that are scored at a time.
    private static let chunkCount = 256
    private static let chunkElements = 1 << 15

    /// The model's metadata properties.
    public let metadata: [(key: String, value: String)]
    private let path: String
    private let inputs: ONNXInputs
    private let program: GraphProgram

    /// - Parameters:
    ///   - directory: the one that holds `model.onnx`.
    ///   - schema: by which impressions are encoded that are to be scored.
    /// - Throws: if the files are damaged, are not an export of ours, or have other inputs than the
    ///   schema has fields.
    public init(
        directory: String,
        schema: FeatureSchema,
        files: any FileSystem = DiskFileSystem()
    ) throws(ExportError) {
        let file = try ONNXModelFile(directory: directory, files: files)
        path = file.path
        metadata = file.metadata
        inputs = ONNXInputs(schema)
        try inputs.check(file.graph, path: path)
        let outputs = GraphBuilder.outputNames
        guard file.graph.output.map(\.name) == outputs,
            file.graph.output.allSatisfy({ $0.isTensor(.float, rank: 1) })
        else {
            throw ExportError("\(path): its outputs are not \(outputs.joined(separator: ", "))")
        }
        program = try GraphProgram(
            file.graph,
            constants: file.constants,
            inputs: inputs.names,
            outputs: outputs,
            path: path
        )
    }

    /// - Throws: if the graph cannot be evaluated, naming the node; also if an impression needs more
    ///   than 2²⁶ intermediate numbers (a list of 4 million rows, at dimension 8).
    public func score(_ impressions: ImpressionBatch) throws(ExportError) -> [Probabilities] {
        var results: [Probabilities] = []
        results.reserveCapacity(impressions.count)
        var rest = impressions.ranges[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Self.chunkLength(rest))
            rest = rest.dropFirst(chunk.count)
            let outputs = try program.run(inputs.values(impressions.words, chunk))
            var columns: [[Float]] = []
            for output in outputs {
                guard case .float(let values) = output.elements, output.shape == [chunk.count]
                else { throw ExportError("\(path): an output is \(output), not a number each") }
                columns.append(values)
            }
            for index in 0..<chunk.count {
                results.append(
                    Probabilities(
                        ctr: Double(columns[0][index]),
                        cvr: Double(columns[1][index]),
                        ctcvr: Double(columns[2][index])
                    )
                )
            }
        }
        return results
    }

    /// As many impressions as fit when each is padded to the longest; at least one.
    private static func chunkLength(_ ranges: ArraySlice<Range<Int>>) -> Int {
        var longest = 0
        var count = 0
        for range in ranges.prefix(chunkCount) {
            longest = max(longest, range.count)
            if count > 0 && (count + 1) * longest > chunkElements { break }
            count += 1
        }
        return count
    }
}
