import Events
import Export
import Foundation
import Learn
import Pipeline

/// A publication folder, or a single export, as it was found.
struct InspectedPublication: Encodable {
    private let directory: String
    /// Oldest first.
    private let versions: [InspectedExport]
    /// Why nothing is published; nil if nothing is in the way.
    private let hold: Hold?
    private let isFolder: Bool

    init(directory: String) throws {
        self.directory = directory
        let folder = PublicationFolder(directory: directory)
        let all = try folder.all()
        guard !all.isEmpty else {
            versions = [try InspectedExport(directory: directory)]
            hold = nil
            isFolder = false
            return
        }
        let current = try folder.current()
        let withdrawn = Set(try folder.withdrawn().map(\.number))
        versions = all.map {
            InspectedExport(
                $0,
                isCurrent: $0 == current,
                isWithdrawn: withdrawn.contains($0.number)
            )
        }
        hold = try folder.hold()
        isFolder = true
    }

    /// The export that is shown in detail: what is published, or the newest.
    private var detailed: InspectedExport? { versions.first(where: \.isCurrent) ?? versions.last }

    func print(json: Bool) throws {
        let now = clockMilliseconds()
        Swift.print(json ? try jsonText(self) : text(now: now))
        if let damage = detailed?.damage { throw damage }
    }

    private func text(now: Int64) -> String {
        var lines: [String] = []
        if isFolder {
            var table = TextTable([
                ("version", .left), ("", .left), ("model", .left), ("format", .left),
                ("exported", .left), ("age of snapshot", .right), ("CTR AUC", .right),
                ("norm. entropy", .right), ("calibration", .right), ("size", .right),
            ])
            for version in versions.reversed() { table.append(version.row(now: now)) }
            lines += table.lines
            if let hold {
                lines.append(
                    "held since \(hold.since): nothing is published until it is released"
                )
            }
            lines.append("")
        }
        return (lines + (detailed?.details(now: now) ?? [])).joined(separator: "\n")
    }

    private enum CodingKeys: String, CodingKey { case directory, versions, hold, current }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(directory, forKey: .directory)
        try container.encode(versions.first(where: \.isCurrent)?.name, forKey: .current)
        try container.encode(hold, forKey: .hold)
        try container.encode(versions, forKey: .versions)
    }
}

/// An export, its files verified, or what is wrong with it.
struct InspectedExport: Encodable {
    /// The version's name; nil outside a publication folder.
    let name: String?
    let isCurrent: Bool
    private let isWithdrawn: Bool
    private let directory: String
    private let manifest: ExportManifest?
    let damage: ExportError?

    /// - Throws: if there is no export.
    init(directory: String) throws(ExportError) {
        let export = try ServingExport(directory: directory)
        self.init(directory, name: nil, isCurrent: false, isWithdrawn: false, export: export)
    }

    init(_ version: PublishedVersion, isCurrent: Bool, isWithdrawn: Bool) {
        self.init(
            version.directory,
            name: version.name,
            isCurrent: isCurrent,
            isWithdrawn: isWithdrawn,
            export: nil
        )
    }

    private init(
        _ directory: String,
        name: String?,
        isCurrent: Bool,
        isWithdrawn: Bool,
        export: ServingExport?
    ) {
        self.name = name
        self.isCurrent = isCurrent
        self.isWithdrawn = isWithdrawn
        self.directory = directory
        var manifest: ExportManifest?
        var damage: ExportError?
        do throws(ExportError) {
            let found: ServingExport
            if let export {
                found = export
            } else {
                found = try ServingExport(directory: directory)
            }
            manifest = found.manifest
            try found.checkFiles()
        } catch { damage = error }
        self.manifest = manifest
        self.damage = damage
    }

    private var mark: String { isCurrent ? "current" : isWithdrawn ? "withdrawn" : "" }

    func row(now: Int64) -> [String] {
        if let damage { return [name ?? "", mark, "damaged: \(damage)"] }
        guard let manifest else { return [name ?? "", mark] }
        let figures = manifest.metrics.figures.ctr
        func text(_ figure: Double?, _ format: String) -> String {
            figure.map { String(format: format, $0) } ?? "–"
        }
        return [
            name ?? "", mark, manifest.model, manifest.format.rawValue,
            timestampText(manifest.createdAt), durationText(now - manifest.snapshotCreatedAt),
            text(figures.auc, "%.4f"), text(figures.normalizedEntropy, "%.4f"),
            text(figures.calibration, "%.3f"),
            "\(manifest.files.reduce(0) { $0 + $1.bytes } / 1_024) KiB",
        ]
    }

    func details(now: Int64) -> [String] {
        var lines = [
            name.map { "version \($0)" + (mark.isEmpty ? "" : " (\(mark))") }
                ?? "export \(directory)"
        ]
        if let damage { lines.append("  damaged: \(damage)") }
        guard let manifest else { return lines }
        let verification = manifest.verification
        lines += [
            "  model         \(manifest.model), \(manifest.format.rawValue)",
            "  exported      \(timestampText(manifest.createdAt)), "
                + "\(durationText(now - manifest.createdAt)) ago, by freshet "
                + "\(manifest.programVersion) (\(manifest.kernelPath))",
            "  snapshot      \(manifest.snapshot), made \(timestampText(manifest.snapshotCreatedAt))",
            "  stream time   \(manifest.streamTime.map(timestampText) ?? "none")",
            String(
                format: "  verification  equal to the snapshot within %.1e on ",
                verification.differenceMax
            )
                + "\(verification.recent) recent and \(verification.synthetic) made-up impressions",
        ]
        if damage == nil { lines.append("  files         all as the manifest says") }
        lines += manifest.files.map { "  file          \($0.name) \($0.bytes) bytes" }
        lines += MetricsTable.lines(manifest.metrics).map { "  " + $0 }
        lines += FieldTable(manifest.fields).lines.map { "  " + $0 }
        lines += manifest.positions.map {
            "  position      \($0.partition.name)/\($0.partition.number) \($0.position)"
        }
        return lines
    }

    private enum CodingKeys: String, CodingKey {
        case name, current, withdrawn, damage
        case isVerified = "files_verified"
    }

    /// The manifest's own keys, with what was found beside them.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(isCurrent, forKey: .current)
        try container.encode(isWithdrawn, forKey: .withdrawn)
        try container.encode(damage == nil, forKey: .isVerified)
        if let damage { try container.encode("\(damage)", forKey: .damage) }
        if let manifest { try manifest.encode(to: encoder) }
    }
}
