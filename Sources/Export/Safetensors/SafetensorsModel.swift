public import Configure
public import Learn
public import Snapshot
internal import StateCoding

/// A model read back from the safetensors file that it was exported to.
public struct SafetensorsModel: Sendable {
    public let path: String
    /// That the model was made with.
    public let configuration: Configuration
    public let learned: LearnedModel
    /// What the file says of itself, see `SafetensorsMetadata`.
    public let metadata: [String: String]
    /// XXH3-64 of the file, 16 hexadecimal digits.
    public let checksum: String

    /// - Throws: `ExportError` naming the file and what is wrong with it.
    public init(file path: String, files: any FileSystem = DiskFileSystem()) throws(ExportError) {
        let reader = try SafetensorsReader(path: path, files: files)
        let configuration = try SafetensorsMetadata.readConfiguration(reader.metadata, path: path)
        let statistics = try SafetensorsMetadata.readStatistics(
            reader.metadata,
            schema: configuration.schema,
            path: path
        )
        let places = try TensorPlaces(reader.tensors, configuration: configuration, path: path)
        let metadata = reader.metadata
        var parameters = [Float](repeating: 0, count: places.parameterCount)
        var state = [Float](repeating: 0, count: places.stateCount)
        var flawed: String?
        let checksum = try reader.readValues { tensor, first, values in
            let place = places.starts[tensor.name]!
            let start = place.start + first
            // Of squared gradients there is a sum or none.
            let isSum = tensor.name.hasSuffix(".accumulator") || tensor.name.hasSuffix(".n")
            if !values.allSatisfy({ $0.isFinite && !(isSum && $0 < 0) }) { flawed = tensor.name }
            if place.isState {
                state.replaceSubrange(start..<start + values.count, with: values)
            } else {
                parameters.replaceSubrange(start..<start + values.count, with: values)
            }
        }
        if let flawed {
            throw ExportError("\(path) has values in \(flawed.quoted) that no training gives")
        }
        do throws(StateError) {
            learned = try LearnedModel(
                schema: configuration.schema,
                settings: configuration.learn,
                statistics: statistics,
                network: NetworkState(parameters: parameters, optimizerState: state)
            )
        } catch {
            throw ExportError("\(path): \(error)")
        }
        self.path = path
        self.configuration = configuration
        self.metadata = metadata
        self.checksum = checksum
    }
}

/// Where the tensors of a file belong in the parameters and in the optimizer's state.
private struct TensorPlaces {
    var starts: [String: (start: Int, isState: Bool)] = [:]
    let parameterCount: Int
    let stateCount: Int

    /// - Throws: unless the file's tensors are just those of the configuration's network, with all of
    ///   the optimizer's state or none.
    init(
        _ tensors: [SafetensorsTensor],
        configuration: Configuration,
        path: String
    ) throws(ExportError) {
        let network = NetworkTensors(
            schema: configuration.schema,
            settings: configuration.learn.network
        )
        var shapes: [String: [Int]] = [:]
        let stateNames = configuration.learn.optimizer.method.stateNames
        let hasState = tensors.count > network.all.count
        for tensor in network.all {
            starts[tensor.name] = (tensor.range.lowerBound, false)
            shapes[tensor.name] = tensor.shape
            for (slot, name) in stateNames.enumerated() where hasState {
                let start = slot * network.parameterCount + tensor.range.lowerBound
                starts["\(tensor.name).\(name)"] = (start, true)
                shapes["\(tensor.name).\(name)"] = tensor.shape
            }
        }
        for tensor in tensors {
            guard let shape = shapes.removeValue(forKey: tensor.name) else {
                throw ExportError(
                    "\(path) has a tensor \(tensor.name.quoted), which its own configuration does not"
                )
            }
            guard tensor.shape == shape else {
                throw ExportError(
                    "\(path) has a tensor \(tensor.name.quoted) of shape \(tensor.shape), by its own "
                        + "configuration it is \(shape)"
                )
            }
        }
        if let missing = shapes.keys.min() {
            throw ExportError("\(path) has no tensor \(missing.quoted)")
        }
        parameterCount = network.parameterCount
        stateCount = hasState ? network.parameterCount * stateNames.count : 0
    }
}
