internal import Foundation
public import Learn
public import Snapshot
internal import StateCoding

/// Writes models as safetensors files: every parameter under the name of its tensor, and the
/// optimizer's state on request.
public struct SafetensorsWriter: Sendable {
    private let files: any FileSystem

    public init(files: any FileSystem = DiskFileSystem()) {
        self.files = files
    }

    /// A file that is durable but for its directory's entry.
    public struct Written: Equatable, Sendable {
        public var bytes: Int
        /// XXH3-64 of the file, 16 hexadecimal digits.
        public var checksum: String
    }

    /// Writes a model, tensor after tensor, without a copy of it.
    ///
    /// - Parameters:
    ///   - optimizerState: as in `NetworkState`, of the settings' method; nil leaves it out. It is
    ///     written as `<tensor>.accumulator` (Adagrad), or `<tensor>.z` and `<tensor>.n` (FTRL).
    ///   - metadata: what the file says of itself, see `SafetensorsMetadata`; `numeric_statistics` is
    ///     added to it.
    ///   - path: of the file, which is replaced if it is there.
    /// - Precondition: the keys are different, and the state is as long as the model's method needs.
    public func write(
        _ model: borrowing ServingModel,
        optimizerState: [Float]? = nil,
        metadata: [(key: String, value: String)],
        to path: String
    ) throws(ExportError) -> Written {
        let statistics = SafetensorsMetadata.text(of: model.statistics)
        let metadata = metadata + [(SafetensorsMetadata.numericStatistics, statistics)]
        precondition(Set(metadata.map(\.key)).count == metadata.count, "metadata has a key twice")
        let count = model.network.parameterCount
        let stateNames = optimizerState == nil ? [] : model.settings.optimizer.method.stateNames
        precondition(
            optimizerState?.count ?? 0 == stateNames.count * count,
            "the optimizer's state is not that of the model"
        )
        var header = SafetensorsHeader(metadata: metadata, tensors: [])
        for name in [nil] + stateNames {
            header.add(model.network.tensors, of: name)
        }
        do throws(FileError) {
            var output = ChecksummedFile(try files.create(path))
            try unsafe output.write(header.encoded.span.bytes)
            try model.network.withParameters { (values) throws(FileError) in
                try output.write(model.network.tensors, of: values)
            }
            for slot in stateNames.indices {
                let values = optimizerState!.span.extracting(slot * count..<(slot + 1) * count)
                try output.write(model.network.tensors, of: values)
            }
            try output.file.sync()
            return Written(bytes: output.byteCount, checksum: output.checksum.text)
        } catch {
            throw ExportError("\(error)")
        }
    }
}

extension SafetensorsHeader {
    /// Adds the network's tensors, or what the optimizer keeps of each.
    fileprivate mutating func add(_ network: [Tensor], of stateName: String?) {
        for tensor in network {
            let start = valueBytes
            tensors.append(
                SafetensorsTensor(
                    name: tensor.name + (stateName.map { "." + $0 } ?? ""),
                    shape: tensor.shape,
                    bytes: start..<start + 4 * tensor.range.count
                )
            )
        }
    }
}

/// A file being written, and the checksum of what is in it.
private struct ChecksummedFile: ~Copyable {
    let file: any WritableFile
    private(set) var byteCount = 0
    private(set) var checksum = StateDigest()

    init(_ file: any WritableFile) {
        self.file = file
    }

    mutating func write(_ bytes: RawSpan) throws(FileError) {
        try file.write(bytes)
        checksum.update(bytes)
        byteCount += bytes.byteCount
    }

    /// The values of tensors that lie in `values`.
    mutating func write(_ tensors: [Tensor], of values: Span<Float>) throws(FileError) {
        for tensor in tensors {
            try unsafe write(values.extracting(tensor.range).bytes)
        }
    }
}
