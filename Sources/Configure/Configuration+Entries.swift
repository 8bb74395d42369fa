internal import Events

extension Configuration {
    /// The configuration that a state was made with, from the canonical keys and values that its
    /// manifest holds; what is not among them (Kafka, snapshots, quarantine,
    /// publishing) is at its default.
    ///
    /// - Parameter file: where the entries stand, for errors.
    public init(
        entries: [(key: String, value: String)],
        file: String
    ) throws(ConfigurationError) {
        let order = entries.first { $0.key == "features" }?.value ?? "[]"
        let list = try Document(yaml: "features: \(order)\n", file: file)
        guard let root = list.root else {
            throw ConfigurationError(file: file, key: "features", problem: "is missing")
        }
        let section = try Section(
            Value(node: root, key: "", line: nil, file: file),
            keys: ["features"]
        )
        var names: [String] = []
        for name in try section.required("features", "the features' names").items(limit: 1 << 16) {
            names.append(try name.name())
        }
        let keys = entries.filter { $0.key != "features" }.map { ResolvedKey($0.key, $0.value) }
        let byFeature = Dictionary(grouping: keys.filter(\.isOfFeature)) { $0.path[1] }
        let features = names.flatMap { byFeature[$0] ?? [] }
        try self.init(yaml: (keys.filter { !$0.isOfFeature } + features).yaml, file: file)
    }
}

extension ResolvedKey {
    /// A key of the canonical form. A feature's name may hold dots, its attributes do not.
    fileprivate init(_ key: String, _ value: String) {
        var path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if path[0] == "features", path.count > 3 {
            path = [path[0], path[1..<path.count - 1].joined(separator: "."), path[path.count - 1]]
        }
        self.init(path: path, value: value, shapesState: true)
    }

    fileprivate var isOfFeature: Bool { path[0] == "features" && path.count == 3 }
}
