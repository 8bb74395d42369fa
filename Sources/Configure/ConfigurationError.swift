/// A configuration that cannot be used: where it says what, and what is wrong with that.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The configuration file, if the error has one.
    public var file: String?
    /// Counted from 1.
    public var line: Int?
    /// The dotted key, for example `join.click_window` or `features.user_id.rows`.
    public var key: String?
    /// What is wrong and what is expected.
    public var problem: String

    public init(
        file: String? = nil,
        line: Int? = nil,
        key: String? = nil,
        problem: String
    ) {
        self.file = file
        self.line = line
        self.key = key
        self.problem = problem
    }

    /// One line: `file:line: key: problem`.
    public var description: String {
        var place = file ?? ""
        if let line { place += place.isEmpty ? "line \(line)" : ":\(line)" }
        let parts = [place, key ?? "", problem].filter { !$0.isEmpty }
        return parts.joined(separator: ": ")
            .map { $0.isNewline ? " " : String($0) }.joined()
    }
}
