/// How far a part of the network's parameters moved. Euclidean norms, in Double, over the values that
/// both snapshots have.
public struct PartChange: Codable, Equatable, Sendable {
    /// "embedding.<field>", "wide.<field>", "embeddings", "wide", "experts", "gates" or "towers".
    public var part: String
    /// ‖b − a‖
    public var change: Double
    /// ‖a‖
    public var norm: Double
    /// ‖b − a‖ / ‖a‖; nil where ‖a‖ is 0.
    public var relative: Double?
    /// Rows of a table that differ, and how many there are; nil for other parts.
    public var rowsChanged: Int?
    public var rows: Int?
    /// Values that are not finite in one of the snapshots; they are in no norm.
    public var notFinite: Int

    enum CodingKeys: String, CodingKey {
        case part, change, norm, relative, rows
        case rowsChanged = "rows_changed"
        case notFinite = "not_finite"
    }
}

/// Sums from which a `PartChange` is made.
struct ChangeSums {
    var squaredChange = 0.0
    var squaredNorm = 0.0
    var notFinite = 0
    var rowsChanged = 0
    var rows = 0

    /// Adds a tensor of rows of `columns` values.
    mutating func add(_ from: Span<Float>, _ to: Span<Float>, columns: Int) {
        precondition(from.count == to.count && from.count % columns == 0)
        var start = 0
        while start < from.count {
            var hasChanged = false
            for index in start..<start + columns {
                let (a, b) = (from[index], to[index])
                if a.bitPattern != b.bitPattern { hasChanged = true }
                guard a.isFinite, b.isFinite else {
                    notFinite += 1
                    continue
                }
                let difference = Double(b) - Double(a)
                squaredChange += difference * difference
                squaredNorm += Double(a) * Double(a)
            }
            rows += 1
            if hasChanged { rowsChanged += 1 }
            start += columns
        }
    }

    mutating func add(_ other: ChangeSums) {
        squaredChange += other.squaredChange
        squaredNorm += other.squaredNorm
        notFinite += other.notFinite
        rowsChanged += other.rowsChanged
        rows += other.rows
    }

    func change(of part: String, hasRows: Bool) -> PartChange {
        let change = squaredChange.squareRoot()
        let norm = squaredNorm.squareRoot()
        return PartChange(
            part: part,
            change: change,
            norm: norm,
            relative: norm > 0 ? change / norm : nil,
            rowsChanged: hasRows ? rowsChanged : nil,
            rows: hasRows ? rows : nil,
            notFinite: notFinite
        )
    }
}
