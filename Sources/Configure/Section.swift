internal import Yams

/// A mapping of a configuration, none of whose keys is unknown.
struct Section {
    let path: String
    let line: Int?
    let file: String
    private let keys: [String]
    private var values: [String: Value] = [:]

    /// - Parameter keys: the keys that may occur; nil lets any occur.
    init(_ value: Value, keys: [String]?) throws(ConfigurationError) {
        path = value.key
        line = value.line
        file = value.file
        guard let mapping = try Section.mapping(of: value) else {
            self.keys = keys ?? []
            return
        }
        var names: [String] = []
        for (keyNode, node) in mapping {
            let line = keyNode.mark?.line ?? value.line
            guard let name = keyNode.scalar?.string else {
                throw ConfigurationError(
                    file: file,
                    line: line,
                    key: path,
                    problem: "has a key that is not plain text"
                )
            }
            let entry = Value(node: node, key: Section.join(path, name), line: line, file: file)
            if let keys, !keys.contains(name) {
                throw Section.unknown(name, entry: entry, keys: keys)
            }
            guard values.updateValue(entry, forKey: name) == nil else {
                throw entry.error("is given more than once")
            }
            names.append(name)
        }
        self.keys = keys ?? names
    }

    /// The value of a key; nil if it is not given.
    subscript(key: String) -> Value? {
        precondition(keys.contains(key), "\(path) is read for a key that it does not allow: \(key)")
        return values[key]
    }

    /// The value of a key that must be given.
    func required(_ key: String, _ expected: String) throws(ConfigurationError) -> Value {
        guard let value = self[key] else {
            throw ConfigurationError(
                file: file,
                line: line,
                key: Section.join(path, key),
                problem: "is missing, expected \(expected)"
            )
        }
        return value
    }

    /// A mapping below this one; one without values if it is not given.
    func section(_ key: String, keys: [String]?) throws(ConfigurationError) -> Section {
        let empty = Value(
            node: Node([(Node, Node)]()),
            key: Section.join(path, key),
            line: line,
            file: file
        )
        return try Section(self[key] ?? empty, keys: keys)
    }

    /// The given keys with their values, in the order of the file. Meant for sections of free keys.
    var all: [(key: String, value: Value)] {
        keys.compactMap { key in values[key].map { (key, $0) } }
    }

    private static func mapping(
        of value: Value
    ) throws(ConfigurationError) -> Node.Mapping? {
        switch value.node {
        case .mapping(let mapping): return mapping
        case .scalar(let scalar) where Scalar(scalar) == .null: return nil
        default: throw value.wrongType("a mapping of keys to values")
        }
    }

    private static func unknown(
        _ name: String,
        entry: Value,
        keys: [String]
    ) -> ConfigurationError {
        if let near = nearest(to: name, among: keys) {
            return entry.error("unknown key; did you mean \(near)?")
        }
        return entry.error("unknown key, expected one of \(keys.joined(separator: ", "))")
    }

    private static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }
}

/// The name that a slip of the pen most likely meant: at most a third of its letters away.
func nearest(to text: String, among names: [String]) -> String? {
    guard text.count <= 64 else { return nil }
    let distances = names.map { (name: $0, distance: editDistance(Array(text), Array($0))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }),
        best.distance <= max(1, best.name.count / 3)
    else { return nil }
    return best.name
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other
/// (optimal string alignment).
private func editDistance(_ from: [Character], _ to: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...to.count)
    for (row, left) in from.enumerated() {
        var current = [row + 1]
        for (column, right) in to.enumerated() {
            var best = min(previous[column + 1], current[column]) + 1
            best = min(best, previous[column] + (left == right ? 0 : 1))
            if row > 0, column > 0, left == to[column - 1], from[row - 1] == right {
                best = min(best, beforePrevious[column - 1] + 1)
            }
            current.append(best)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[to.count]
}
