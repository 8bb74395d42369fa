import Configure
import Foundation
import Logging
import Pipeline

/// The configurations of a comparison, found to be comparable before anything is read.
struct CompareConfigurations: Sendable {
    struct Entry: Sendable {
        /// The file's name without its extension.
        var name: String
        var file: String
        var configuration: Configuration
    }

    /// The first is the one that the others are compared with.
    let entries: [Entry]

    /// - Parameters:
    ///   - first: The file of `--config`.
    ///   - others: The files of `--compare`.
    ///   - readsFiles: Whether the records come from files rather than the configured topics.
    /// - Throws: `ConfigurationError` for a name that is there twice, or a key on which the
    ///   configurations would have to agree.
    init(first: String, others: [String], readsFiles: Bool) throws(ConfigurationError) {
        var entries: [Entry] = []
        for file in [first] + others {
            let name = Self.name(of: file)
            if let same = entries.first(where: { $0.name == name }) {
                throw ConfigurationError(
                    file: file,
                    problem: "has the name of \(same.file), \(name), under which its state and its "
                        + "figures are kept: rename one of them"
                )
            }
            entries.append(
                Entry(name: name, file: file, configuration: try Configuration(file: file))
            )
        }
        self.entries = entries
        for other in entries.dropFirst() { try check(other, readsFiles: readsFiles) }
    }

    /// The file's name without .yaml or .yml.
    private static func name(of file: String) -> String {
        let name = URL(filePath: file).lastPathComponent
        for ending in [".yaml", ".yml"] where name.hasSuffix(ending) {
            let stem = String(name.dropLast(ending.count))
            return [".", "..", ""].contains(stem) ? name : stem
        }
        return name
    }

    private func check(_ other: Entry, readsFiles: Bool) throws(ConfigurationError) {
        let first = entries[0]
        var shared = ["metrics.cohort", "events.max_record_bytes"]
        if !readsFiles {
            shared += ["impressions", "clicks", "conversions"].map { "kafka.topics.\($0)" }
            shared += ["kafka.start", "kafka.settings.bootstrap.servers"]
        }
        let (ours, theirs) = (first.configuration.values, other.configuration.values)
        guard let key = shared.first(where: { ours[$0] != theirs[$0] }) else { return }
        throw ConfigurationError(
            file: other.file,
            key: key,
            problem: """
                is \(theirs[key] ?? "absent"), but \(first.file) has \(ours[key] ?? "none"): \
                configurations that are compared read the same records and form the same cohorts
                """
        )
    }

    /// What makes differences harder to read than they look, in sentences.
    var remarks: [String] {
        let first = entries[0]
        return entries.dropFirst().compactMap { other in
            let (ours, theirs) = (first.configuration.values, other.configuration.values)
            let differing = Set(ours.keys).union(theirs.keys).filter { key in
                (key.hasPrefix("join.") || key.hasPrefix("events."))
                    && !key.hasPrefix("join.label_timing.") && ours[key] != theirs[key]
            }
            guard !differing.isEmpty else { return nil }
            return "\(other.name) labels impressions by other rules than \(first.name) "
                + "(\(differing.sorted().joined(separator: ", "))): what is predicted differs, not "
                + "only how well."
        }
    }
}

extension Configuration {
    /// The values of the keys that shape the state, and of what is read from where.
    fileprivate var values: [String: String] {
        var values = Dictionary(canonical.map { ($0.key, $0.value) }) { first, _ in first }
        values["kafka.topics.impressions"] = kafka.topics.impressions
        values["kafka.topics.clicks"] = kafka.topics.clicks
        values["kafka.topics.conversions"] = kafka.topics.conversions
        values["kafka.start"] = "\(kafka.start)"
        values["kafka.settings.bootstrap.servers"] = kafka.settings["bootstrap.servers"]
        return values
    }
}
