import Events
import Export
import Foundation
import Learn
import Pipeline
import Snapshot

/// A snapshot as it was found: its manifest, how full its tables are, or what is wrong with it.
struct InspectedSnapshot {
    let name: String
    let isCurrent: Bool
    let isDetailed: Bool
    /// Unless the manifest cannot be read.
    private let manifest: Manifest<SnapshotBody>?
    /// Of the snapshot that is shown in detail.
    private let fields: [FieldFigures]?
    let damage: (any Error)?

    init(_ name: String, of store: SnapshotStore, isCurrent: Bool, isDetailed: Bool) {
        self.name = name
        self.isCurrent = isCurrent
        self.isDetailed = isDetailed
        var manifest: Manifest<SnapshotBody>?
        var fields: [FieldFigures]?
        var damage: (any Error)?
        do {
            manifest = try store.manifest(of: name, as: SnapshotBody.self)
            try store.checkSizes(of: name, files: manifest?.files ?? [])
            if isDetailed { fields = try ServingSnapshot(name, of: store).fieldFigures() }
        } catch { damage = error }
        self.manifest = manifest
        self.fields = fields
        self.damage = damage
    }

    /// A line of the table of all.
    func row(now: Int64) -> [String] {
        let mark = isCurrent ? "current" : ""
        if let damage { return [name, mark, "damaged: \(damage)"] }
        guard let manifest else { return [name, mark] }
        let body = manifest.body
        let figures = body.summary.metrics.figures.ctr
        func text(_ figure: Double?, _ format: String) -> String {
            figure.map { String(format: format, $0) } ?? "–"
        }
        return [
            name, mark, timestampText(body.createdAt), durationText(now - body.createdAt),
            body.summary.streamTime.map(timestampText) ?? "none",
            "\(body.summary.consumed.total)", text(figures.auc, "%.4f"),
            text(figures.normalizedEntropy, "%.4f"), text(figures.calibration, "%.3f"),
            "\(manifest.files.reduce(0) { $0 + $1.bytes } / 1_024) KiB",
        ]
    }

    func details(now: Int64) -> [String] {
        let title = "snapshot \(name)" + (isCurrent ? " (current)" : "")
        guard let manifest else { return [title, "  damaged: \(damage.map { "\($0)" } ?? "")"] }
        let body = manifest.body
        let summary = body.summary
        let bytes = manifest.files.reduce(0) { $0 + $1.bytes }
        var lines = [title]
        if let damage { lines.append("  damaged: \(damage)") }
        lines += [
            "  made          \(timestampText(body.createdAt)), "
                + "\(durationText(now - body.createdAt)) ago, by freshet "
                + "\(body.programVersion) (\(body.kernelPath))",
            "  stream time   \(summary.streamTime.map(timestampText) ?? "none")",
            "  consumed      \(summary.consumed.total) events, trained "
                + "\(summary.trained.ctr) CTR and \(summary.trained.ctcvr) CTCVR labels",
            "  size          \(bytes / 1_024) KiB; " + Self.pause(body, manifest.files),
            "  state digest  \(summary.stateDigest)",
        ]
        lines += MetricsTable.lines(summary.metrics).map { "  " + $0 }
        if summary.silence.isSilent {
            lines += summary.silence.metadata.sorted { $0.key < $1.key }.map {
                "  silent        \($0.key) \($0.value)"
            }
        }
        lines += body.positions.map {
            "  position      \($0.partition.name)/\($0.partition.number) \($0.position)"
        }
        if let fields { lines += FieldTable(fields).lines.map { "  " + $0 } }
        if body.warmStart != nil {
            lines.append("  (it started warm: rows that it took over count as touched)")
        }
        return lines
    }

    /// "learner paused for 1.20 ms, 0.06 ms per MB of state"
    private static func pause(_ body: SnapshotBody, _ files: [FileEntry]) -> String {
        let megabytes = Double(files.reduce(0) { $0 + $1.contentBytes }) / 1e6
        return String(
            format: "learner paused for %.2f ms, %.2f ms per MB of state",
            body.pauseMilliseconds,
            body.pauseMilliseconds / max(megabytes, 1e-3)
        )
    }

    func dated(_ now: Int64) -> Dated { Dated(snapshot: self, now: now) }

    /// The manifest's own keys, with name, age, fields and damage beside them.
    struct Dated: Encodable {
        var snapshot: InspectedSnapshot
        var now: Int64

        private enum CodingKeys: String, CodingKey {
            case name, current, damage, fields
            case age = "age_seconds"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(snapshot.name, forKey: .name)
            try container.encode(snapshot.isCurrent, forKey: .current)
            try container.encodeIfPresent(snapshot.fields, forKey: .fields)
            if let damage = snapshot.damage {
                try container.encode("\(damage)", forKey: .damage)
            } else if let manifest = snapshot.manifest {
                try manifest.encode(to: encoder)
                try container.encode(
                    Double(now - manifest.body.createdAt) / 1_000,
                    forKey: .age
                )
            }
        }
    }
}

/// How full the embedding tables are, for people.
struct FieldTable {
    let lines: [String]

    init(_ fields: [FieldFigures]) {
        var table = TextTable([
            ("field", .left), ("kind", .left), ("rows", .right), ("touched", .right),
            ("missing", .left), ("distinct ids", .right), ("colliding", .right),
        ])
        for field in fields {
            table.append([
                field.field, field.kind, "\(field.rows)",
                "\(field.rowsTouched)" + Self.share(field.rowsTouched, of: field.rows),
                field.isMissingRowTouched ? "seen" : "–",
                (field.isLowerBound ? "at least " : field.kind == "bucketed" ? "" : "about ")
                    + String(format: "%.0f", field.distinctIDs),
                field.kind == "bucketed"
                    ? "–" : String(format: "%.1f %%", field.collidingShare * 100),
            ])
        }
        lines = fields.isEmpty ? [] : table.lines
    }

    private static func share(_ part: Int, of whole: Int) -> String {
        String(format: " (%.1f %%)", Double(part) * 100 / Double(max(whole, 1)))
    }
}
