public import Events
public import Learn

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How full the embedding table of one field is.
///
/// A row is touched if it differs from what it started as. Ids fall into rows by their hash, so that t
/// touched rows of m tell how many ids there have been, by linear counting (Whang, Vander-Zanden and
/// Taylor, ACM TODS 15(2), 1990):
///
///     n = −m ln(1 − t/m)
///
/// and of n ids a share of 1 − (1 − 1/m)ⁿ⁻¹ has its row in common with another. The row of missing values
/// is in neither.
public struct FieldFigures: Codable, Equatable, Sendable {
    public var field: String
    /// "categorical", "list" or "bucketed".
    public var kind: String
    /// Rows that values can take, m.
    public var rows: Int
    /// Of these, rows that have learnt something, t.
    public var rowsTouched: Int
    /// Whether the row of a missing value has learnt something.
    public var isMissingRowTouched: Bool
    /// Estimated distinct ids, n. Of buckets: those with values.
    public var distinctIDs: Double
    /// Whether all rows are touched, so that there may be any number more: the estimate is then of a
    /// table with one row left.
    public var isLowerBound: Bool
    /// Estimated share of ids whose row is another's, too.
    public var collidingShare: Double

    enum CodingKeys: String, CodingKey {
        case field, kind, rows
        case rowsTouched = "rows_touched"
        case isMissingRowTouched = "missing_row_touched"
        case distinctIDs = "distinct_ids"
        case isLowerBound = "distinct_ids_at_least"
        case collidingShare = "colliding_share"
    }

    /// The figures of all embedded fields, in the order of the schema.
    ///
    /// A model that took over what another had learnt, or that fields were added to before others, did
    /// not start from the values of its seed: all rows that it had then count as touched.
    /// - Parameter parameters: laid out as `Network.tensors` says.
    /// - Precondition: they are as many as schema and settings say.
    public static func all(
        of parameters: [Float],
        schema: FeatureSchema,
        settings: LearnSettings
    ) -> [FieldFigures] {
        var starts = StartingEmbeddings(schema: schema, settings: settings)
        return schema.fields.filter { $0.rows > 0 }.compactMap { field in
            starts.withNext { tensor, start in
                let table = parameters.span.extracting(tensor.range)
                let dimension = tensor.shape[1]
                var touched = 0
                for row in 0..<field.rows
                where isTouched(row, of: table, start: start, dimension: dimension) {
                    touched += 1
                }
                return FieldFigures(
                    field,
                    touched: touched,
                    isMissingRowTouched: isTouched(
                        field.rows,
                        of: table,
                        start: start,
                        dimension: dimension
                    )
                )
            }
        }
    }

    private static func isTouched(
        _ row: Int,
        of table: Span<Float>,
        start: Span<Float>,
        dimension: Int
    ) -> Bool {
        for index in row * dimension..<(row + 1) * dimension
        where table[index].bitPattern != start[index].bitPattern {
            return true
        }
        return false
    }

    init(_ field: FeatureField, touched: Int, isMissingRowTouched: Bool) {
        self.field = field.name
        rows = field.rows
        rowsTouched = touched
        self.isMissingRowTouched = isMissingRowTouched
        let rows = Double(field.rows)
        if case .bucketed = field.kind {
            kind = "bucketed"
            distinctIDs = Double(touched)
            isLowerBound = false
            collidingShare = 0
            return
        }
        if case .list = field.kind { kind = "list" } else { kind = "categorical" }
        isLowerBound = touched == field.rows
        let empty = isLowerBound ? 1 : rows - Double(touched)
        distinctIDs = max(-rows * log(empty / rows), Double(touched))
        collidingShare =
            distinctIDs > 1 && field.rows > 1
            ? -expm1((distinctIDs - 1) * log1p(-1 / rows)) : distinctIDs > 1 ? 1 : 0
    }
}
