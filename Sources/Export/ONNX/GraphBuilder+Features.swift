internal import Events
internal import Learn
internal import ONNXMessages

extension GraphBuilder {
    /// The trunk's input x [batch, inputs]: the fields' outputs in the schema's order.
    mutating func features(_ schema: FeatureSchema, _ statistics: NumericStatistics) -> GraphValue {
        var outputs: [GraphValue] = []
        var moments = statistics.moments.makeIterator()
        for field in schema.fields {
            switch field.kind {
            case .categorical: outputs.append(categorical(field))
            case .list(_, let pooling): outputs.append(list(field, pooling))
            case .numeric(let clip):
                // One per numeric field, in the schema's order.
                outputs.append(numeric(field, moments.next() ?? NumericMoments(), clip: clip))
            case .bucketed(let boundaries): outputs.append(bucketed(field, boundaries))
            }
        }
        return node("Concat", outputs, as: "x", ["axis": 1])
    }

    private func table(_ field: FeatureField) -> GraphValue {
        GraphValue(name: "embedding.\(field.name).weight")
    }

    /// [batch, dimension]
    private mutating func categorical(_ field: FeatureField) -> GraphValue {
        let row = input(
            field.name,
            .int64,
            dimensions: ["batch"],
            description: "a row, XXH64(value, seed \(field.seed)) mod \(field.rows); "
                + "absent: \(field.missingRow)"
        )
        return node("Gather", table(field), row, as: "\(field.name).embedding", ["axis": 0])
    }

    /// [batch, dimension]
    private mutating func list(
        _ field: FeatureField,
        _ pooling: FeatureField.Pooling
    ) -> GraphValue {
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
        let embedded = node("Gather", table(field), rows, as: "\(name).embedding", ["axis": 0])
        let masked = node(
            "Mul",
            embedded,
            unsqueeze(weights, axis: 2, as: "\(name).mask"),
            as: "\(name).masked"
        )
        let total = sum(masked, axis: 1, as: "\(name).sum")
        guard pooling == .mean else { return total }
        let length = sum(weights, axis: 1, keepingDimension: true, as: "\(name).length")
        let divisor = node("Max", length, constant(1 as Float), as: "\(name).divisor")
        return node("Div", total, divisor, as: "\(name).mean")
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

    /// The row is the number of boundaries that are at most x; [batch, dimension]
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
        let row = node(
            "Where",
            present,
            bucket,
            constant(Int32(field.missingRow)),
            as: "\(name).row"
        )
        return node("Gather", table(field), row, as: "\(name).embedding", ["axis": 0])
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
