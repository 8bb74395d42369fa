internal import Learn

/// The parameters of two snapshots, tensor by tensor.
struct ParameterChanges {
    private(set) var parts: [PartChange] = []
    private(set) var fields: [PartChange] = []
    private(set) var shapes: [SnapshotDifference.ShapeChange] = []

    /// Each part with the beginning of its tensors' names.
    private static let prefixes = [
        ("embeddings", "embedding."), ("experts", "expert."), ("gates", "gate."),
        ("towers", "tower."),
    ]

    init(from: ServingSnapshot, to: ServingSnapshot) throws(ExportError) {
        let earlier = try from.tensors()
        let later = try to.tensors()
        let laterByName = Dictionary(later.map { ($0.name, $0) }) { $1 }
        let earlierNames = Set(earlier.map(\.name))
        var sums = Self.prefixes.map { _ in ChangeSums() }
        for tensor in earlier {
            let other = laterByName[tensor.name]
            guard let other, other.shape == tensor.shape else {
                shapes.append(
                    .init(tensor: tensor.name, from: tensor.shape, to: other?.shape)
                )
                continue
            }
            var sum = ChangeSums()
            sum.add(
                from.parameters.span.extracting(tensor.range),
                to.parameters.span.extracting(other.range),
                columns: tensor.shape[tensor.shape.count - 1]
            )
            let part = Self.prefixes.firstIndex { tensor.name.hasPrefix($0.1) } ?? 0
            sums[part].add(sum)
            if part == 0 {
                let name = tensor.name.dropLast(".weight".count)
                fields.append(sum.change(of: String(name), isEmbedding: true))
            }
        }
        for tensor in later where !earlierNames.contains(tensor.name) {
            shapes.append(.init(tensor: tensor.name, from: nil, to: tensor.shape))
        }
        parts = zip(Self.prefixes, sums).map { prefix, sum in
            sum.change(of: prefix.0, isEmbedding: prefix.0 == "embeddings")
        }
        fields.sort { ($0.relative ?? 0, $1.part) > ($1.relative ?? 0, $0.part) }
    }
}
