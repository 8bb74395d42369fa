internal import Learn

/// The parameters of two snapshots, tensor by tensor.
struct ParameterChanges {
    private(set) var parts: [PartChange] = []
    private(set) var fields: [PartChange] = []
    private(set) var shapes: [SnapshotDifference.ShapeChange] = []

    /// Each part with the beginning of its tensors' names. The first two consist of tables.
    private static let prefixes = [
        ("embeddings", "embedding."), ("wide", "wide."), ("experts", "expert."),
        ("gates", "gate."), ("towers", "tower."),
    ]
    private static let tableParts = 2

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
            if part < Self.tableParts {
                let name = tensor.name.dropLast(".weight".count)
                fields.append(sum.change(of: String(name), hasRows: true))
            }
        }
        for tensor in later where !earlierNames.contains(tensor.name) {
            shapes.append(.init(tensor: tensor.name, from: nil, to: tensor.shape))
        }
        let names = (earlier + later).map(\.name)
        for (index, prefix) in Self.prefixes.enumerated()
        where names.contains(where: { $0.hasPrefix(prefix.1) }) || prefix.0 != "wide" {
            parts.append(sums[index].change(of: prefix.0, hasRows: index < Self.tableParts))
        }
        fields.sort { ($0.relative ?? 0, $1.part) > ($1.relative ?? 0, $0.part) }
    }
}
