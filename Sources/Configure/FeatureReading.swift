internal import Events

/// The kinds of features by the names that a configuration gives them.
enum FeatureKindName: String, CaseIterable {
    case categorical, list, numeric, bucketed

    /// The keys that belong to the kind, beside those of every feature.
    var keys: [String] {
        switch self {
        case .categorical: ["rows"]
        case .list: ["rows", "pooling"]
        case .numeric: ["clip"]
        case .bucketed: ["buckets"]
        }
    }
}

extension FeatureSchema {
    private static let fieldCountMax = 4_096

    init(_ value: Value) throws(ConfigurationError) {
        var fields: [FeatureField] = []
        var names: Set<String> = []
        for item in try value.items(limit: FeatureSchema.fieldCountMax) {
            let field = try FeatureField(item, under: value.key)
            guard names.insert(field.name).inserted else {
                throw ConfigurationError(
                    file: item.file,
                    line: item.line,
                    key: "\(value.key).\(field.name)",
                    problem: "is listed twice"
                )
            }
            try field.checkFirstName(among: fields, item, under: value.key)
            fields.append(field)
        }
        guard !fields.isEmpty else { throw value.error("is empty, expected at least one feature") }
        self.init(fields: fields)
    }
}

extension FeatureField {
    /// What the exported model calls its outputs; an input cannot have the same name.
    private static let outputNames = ["ctr", "cvr", "ctcvr"]
    private static let rowRange = 1...1 << 31
    private static let bucketCountMax = 65_536

    /// The keys of every feature.
    private static let commonKeys = ["name", "kind", "was"]

    fileprivate init(_ item: Value, under path: String) throws(ConfigurationError) {
        let every = FeatureField.commonKeys + FeatureKindName.allCases.flatMap(\.keys)
        let named = try Section(item, keys: every)
        let nameValue = try named.required("name", "the field's name in the features")
        let name = try nameValue.name()
        guard !FeatureField.outputNames.contains(name) else {
            throw nameValue.error("\(name) is the name of an output of the exported model")
        }
        // From here on errors speak of the feature by its name.
        let section = try Section(
            Value(node: item.node, key: "\(path).\(name)", line: item.line, file: item.file),
            keys: every
        )
        let kinds = FeatureKindName.allCases.map(\.rawValue).joined(separator: " or ")
        let kindName = try section.required("kind", kinds).choice(FeatureKindName.self)
        try section.refuseForeignKeys(
            of: kindName.rawValue,
            keys: FeatureField.commonKeys + kindName.keys,
            owners: FeatureKindName.allCases.map { ($0.rawValue, $0.keys) },
            called: "kind"
        )
        let was = try section["was"]?.name()
        if was == name { throw section["was"]!.error("is the feature's own name: leave it out") }
        self.init(name: name, kind: try FeatureField.kind(kindName, section), was: was)
    }

    /// Two fields hashed under one name would be the same to whoever looks for what was learnt.
    fileprivate func checkFirstName(
        among fields: [FeatureField],
        _ item: Value,
        under path: String
    ) throws(ConfigurationError) {
        guard let other = fields.first(where: { ($0.was ?? $0.name) == (was ?? name) }) else {
            return
        }
        throw ConfigurationError(
            file: item.file,
            line: item.line,
            key: "\(path).\(name)",
            problem: "has the first name \(was ?? name), and so has \(other.name): what was learnt "
                + "under it can be of only one of them"
        )
    }

    private static func kind(
        _ name: FeatureKindName,
        _ section: Section
    ) throws(ConfigurationError) -> Kind {
        switch name {
        case .categorical:
            return .categorical(rows: try rows(section))
        case .list:
            return .list(
                rows: try rows(section),
                pooling: try section["pooling"]?.choice() ?? .mean
            )
        case .numeric:
            return .numeric(
                clip: try section["clip"]?.float("a number above 0") { $0 > 0 } ?? 5
            )
        case .bucketed:
            return .bucketed(boundaries: try boundaries(section))
        }
    }

    private static func rows(_ section: Section) throws(ConfigurationError) -> Int {
        try section.required("rows", "the number of rows of its table").integer(in: rowRange)
    }

    private static func boundaries(_ section: Section) throws(ConfigurationError) -> [Float] {
        let value = try section.required("buckets", "a list of rising boundaries")
        var boundaries: [Float] = []
        for item in try value.items(limit: bucketCountMax) {
            let last = boundaries.last
            boundaries.append(
                try item.float(
                    last.map { "a number above the boundary before it, \($0)" } ?? "a finite number"
                ) { $0 > last ?? -.infinity }
            )
        }
        guard !boundaries.isEmpty else {
            throw value.error("is empty, expected at least one boundary")
        }
        return boundaries
    }
}

extension Section {
    /// Refuses keys that belong to another kind or method than the chosen one.
    func refuseForeignKeys(
        of choice: String,
        keys: [String],
        owners: [(name: String, keys: [String])],
        called noun: String
    ) throws(ConfigurationError) {
        for (key, value) in all where !keys.contains(key) {
            let names = owners.filter { $0.keys.contains(key) }.map(\.name)
            throw value.error(
                "does not belong to \(noun) \(choice), only to \(names.joined(separator: " and "))"
            )
        }
    }
}
