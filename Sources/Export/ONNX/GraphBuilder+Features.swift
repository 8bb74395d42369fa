internal import Events
internal import Learn
internal import ONNXMessages

extension GraphBuilder {
    /// The trunk's input x [batch, inputs]: the fields' outputs in the schema's order. And what the
    /// linear part adds to the logits, each [batch], if the model has one.
    mutating func features(
        _ schema: FeatureSchema,
        _ statistics: NumericStatistics,
        withWide: Bool
    ) -> (x: GraphValue, wide: (ctr: GraphValue, cvr: GraphValue)?) {
        var outputs: [GraphValue] = []
        var shares: [GraphValue] = []
        var moments = statistics.moments.makeIterator()
        for field in schema.fields {
            let selected: Selected
            switch field.kind {
            case .categorical: selected = .row(categorical(field))
            case .list(_, let pooling): selected = list(field, pooling)
            case .numeric(let clip):
                // One per numeric field, in the schema's order.
                let column = numeric(field, moments.next() ?? NumericMoments(), clip: clip)
                outputs.append(column)
                if withWide {
                    let weights = table("wide", field)
                    shares.append(node("Mul", column, weights, as: "\(field.name).wide"))
                }
                continue
            case .bucketed(let boundaries): selected = .row(bucketed(field, boundaries))
            }
            outputs.append(output(of: selected, "embedding", field))
            if withWide { shares.append(output(of: selected, "wide", field)) }
        }
        let x = node("Concat", outputs, as: "x", ["axis": 1])
        return (x, withWide ? sums(of: shares) : nil)
    }

    /// The rows of a field's tables that an impression selects.
    private enum Selected {
        /// [batch]
        case row(GraphValue)
        /// Rows [batch, longest + 1], a mask of those that count, [batch, longest + 1, 1], and what their
        /// sum is to be divided by, [batch, 1].
        case rows(GraphValue, mask: GraphValue, divisor: GraphValue?)
    }

    /// The selected row of a table, or the pooled rows; [batch, columns]
    private mutating func output(
        of selected: Selected,
        _ kind: String,
        _ field: FeatureField
    ) -> GraphValue {
        let name = "\(field.name).\(kind)"
        switch selected {
        case .row(let row):
            return node("Gather", table(kind, field), row, as: name, ["axis": 0])
        case .rows(let rows, let mask, let divisor):
            let gathered = node("Gather", table(kind, field), rows, as: name, ["axis": 0])
            let masked = node("Mul", gathered, mask, as: "\(name).masked")
            let total = sum(masked, axis: 1, as: "\(name).sum")
            guard let divisor else { return total }
            return node("Div", total, divisor, as: "\(name).mean")
        }
    }

    /// The fields' shares of both logits, [batch, 2] each, added up; [batch]
    private mutating func sums(of shares: [GraphValue]) -> (ctr: GraphValue, cvr: GraphValue) {
        let shape = constant([0, Int64(shares.count), 2], as: "wide.shape")
        let joined = node("Concat", shares, as: "wide.joined", ["axis": 1])
        let fields = node("Reshape", joined, shape, as: "wide.fields")
        let both = sum(fields, axis: 1, as: "wide")
        let ctr = node(
            "Mul",
            both,
            constant([1, 0] as [Float], as: "wide.is_ctr"),
            as: "wide.of_ctr"
        )
        let cvr = node(
            "Mul",
            both,
            constant([0, 1] as [Float], as: "wide.is_cvr"),
            as: "wide.of_cvr"
        )
        return (sum(ctr, axis: 1, as: "wide.ctr"), sum(cvr, axis: 1, as: "wide.cvr"))
    }

    private func table(_ kind: String, _ field: FeatureField) -> GraphValue {
        GraphValue(name: "\(kind).\(field.name).weight")
    }

    /// [batch]
    private mutating func categorical(_ field: FeatureField) -> GraphValue {
        input(
            field.name,
            .int64,
            dimensions: ["batch"],
            description: "a row, XXH64(value, seed \(field.seed)) mod \(field.rows); "
                + "absent: \(field.missingRow)"
        )
    }

    private mutating func list(
        _ field: FeatureField,
        _ pooling: FeatureField.Pooling
    ) -> Selected {
        let name = field.name
        let given = input(
            name,
            .int64,
            dimensions: ["batch", "\(name)_longest"],
            description:
                "rows, XXH64(value, seed \(field.seed)) mod \(field.rows), padded with -1; "
                + "absent: \(field.missingRow) alone"
        )
        // A column more, so that there is one: onnxruntime 1.15 does not sum over none.
        let padded = node(
            "Pad",
            given,
            constant([0, 0, 0, 1] as [Int64], as: "one.column"),
            constant(-1 as Int64),
            as: "\(name).padded"
        )
        let present = node("GreaterOrEqual", padded, constant(0 as Int64), as: "\(name).present")
        let weights = cast(present, to: .float, as: "\(name).weights")
        let rows = node("Where", present, padded, constant(0 as Int64), as: "\(name).rows")
        let mask = unsqueeze(weights, axis: 2, as: "\(name).mask")
        guard pooling == .mean else { return .rows(rows, mask: mask, divisor: nil) }
        let length = sum(weights, axis: 1, keepingDimension: true, as: "\(name).length")
        let divisor = node("Max", length, constant(1 as Float), as: "\(name).divisor")
        return .rows(rows, mask: mask, divisor: divisor)
    }

    /// (x − mean) / deviation within ±`clip`, in double; [batch, 1]
    private mutating func numeric(
        _ field: FeatureField,
        _ moments: NumericMoments,
        clip: Float
    ) -> GraphValue {
        let name = field.name
        let raw = number(field)
        let present = isPresent(raw, name)
        // Every number is 0 deviations of infinite size from the mean.
        let deviation = moments.variance > 0 ? moments.variance.squareRoot() : .infinity
        let value = cast(raw, to: .double, as: "\(name).double")
        let centred = node("Sub", value, constant(moments.mean), as: "\(name).centred")
        let score = node("Div", centred, constant(deviation), as: "\(name).score")
        let clipped = node(
            "Clip",
            score,
            constant(-Double(clip)),
            constant(Double(clip)),
            as: "\(name).clipped"
        )
        let single = cast(clipped, to: .float, as: "\(name).float")
        let chosen = node(
            "Where",
            present,
            single,
            constant(0 as Float),
            as: "\(name).standardised"
        )
        return unsqueeze(chosen, axis: 1, as: "\(name).column")
    }

    /// The row is the number of boundaries that are at most x; [batch]
    private mutating func bucketed(_ field: FeatureField, _ boundaries: [Float]) -> GraphValue {
        let name = field.name
        let raw = number(field)
        let present = isPresent(raw, name)
        let reached = node(
            "GreaterOrEqual",
            unsqueeze(raw, axis: 1, as: "\(name).column"),
            constant(boundaries, as: "\(name).boundaries"),
            as: "\(name).reached"
        )
        let bucket = sum(
            cast(reached, to: .int32, as: "\(name).steps"),
            axis: 1,
            as: "\(name).bucket"
        )
        return node(
            "Where",
            present,
            bucket,
            constant(Int32(field.missingRow)),
            as: "\(name).row"
        )
    }

    private mutating func number(_ field: FeatureField) -> GraphValue {
        input(
            field.name,
            .float,
            dimensions: ["batch"],
            description: "a raw number; absent: \(-NumericInput.missingMagnitude), or not finite"
        )
    }

    private mutating func isPresent(_ raw: GraphValue, _ name: String) -> GraphValue {
        let magnitude = node("Abs", raw, as: "\(name).magnitude")
        let limit = constant(NumericInput.missingMagnitude)
        return node("Less", magnitude, limit, as: "\(name).present")
    }
}
