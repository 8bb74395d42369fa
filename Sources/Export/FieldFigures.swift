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
    /// A model that took over what another had learnt did not start from the values of its seed: all
    /// rows that were taken over count as touched.
    /// - Parameters:
    ///   - parameters: laid out as `Network.tensors` says.
    ///   - addedFeatures: the names of the fields that were added to the running state, time after
    ///     time: each started as in a fresh network of the fields that there were then.
    /// - Precondition: the parameters are as many as schema and settings say.
    public static func all(
        of parameters: [Float],
        schema: FeatureSchema,
        settings: LearnSettings,
        addedFeatures: [[String]] = []
    ) -> [FieldFigures] {
        let tensors = NetworkTensors(schema: schema, settings: settings.network).all
        let places = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.range) })
        var figures: [String: FieldFigures] = [:]
        for time in 0...addedFeatures.count {
            let later = Set(addedFeatures[time...].joined())
            let fields = schema.fields.filter { !later.contains($0.name) }
            let added = time == 0 ? nil : addedFeatures[time - 1]
            var starts = StartingEmbeddings(
                schema: FeatureSchema(fields: fields),
                settings: settings
            )
            for field in fields where field.rows > 0 {
                _ = starts.withNext { tensor, start in
                    guard let place = places[tensor.name], added?.contains(field.name) ?? true
                    else { return }
                    figures[field.name] = FieldFigures(
                        field,
                        table: parameters.span.extracting(place),
                        start: start,
                        dimension: tensor.shape[1]
                    )
                }
            }
        }
        return schema.fields.compactMap { figures[$0.name] }
    }

    private init(
        _ field: FeatureField,
        table: Span<Float>,
        start: Span<Float>,
        dimension: Int
    ) {
        func isTouched(_ row: Int) -> Bool {
            Self.isTouched(row, of: table, start: start, dimension: dimension)
        }
        var touched = 0
        for row in 0..<field.rows where isTouched(row) { touched += 1 }
        self.init(field, touched: touched, isMissingRowTouched: isTouched(field.rows))
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
