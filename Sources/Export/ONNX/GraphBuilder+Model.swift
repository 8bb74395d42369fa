internal import Events
internal import Learn
internal import ONNXMessages

extension GraphBuilder {
    /// The outputs' names; no field can have one of them.
    static let outputNames = ["ctr", "cvr", "ctcvr"]

    /// The whole model without its parameters: inputs → trunk → towers → head.
    ///
    /// - Throws: if a field's name cannot be an input's.
    static func graph(of model: borrowing ServingModel) throws(ExportError) -> ONNXGraphProto {
        let tensorNames = Set(model.network.tensors.map(\.name))
        try checkFields(model.schema, tensorNames: tensorNames)
        var builder = GraphBuilder(
            reserving: tensorNames.union(outputNames).union(model.schema.fields.map(\.name))
        )
        builder.describe(
            "freshet",
            "Calibrated click and conversion probabilities of impressions: ESMM over a mixture of "
                + "experts. features.json says how values become inputs."
        )
        let network = model.settings.network
        let inputs = builder.features(model.schema, model.statistics, withWide: network.wide)
        let trunk = builder.trunk(inputs.x, network)
        let layers = network.towerLayers.count
        var ctrLogit = builder.tower("ctr", trunk.ctr, hiddenLayers: layers)
        var cvrLogit = builder.tower("cvr", trunk.cvr, hiddenLayers: layers)
        if let wide = inputs.wide {
            ctrLogit = builder.node("Add", ctrLogit, wide.ctr, as: "ctr.logit.wide")
            cvrLogit = builder.node("Add", cvrLogit, wide.cvr, as: "cvr.logit.wide")
        }
        builder.head(ctrLogit: ctrLogit, cvrLogit: cvrLogit, loss: model.settings.loss)
        return builder.graph
    }

    private static func checkFields(
        _ schema: FeatureSchema,
        tensorNames: Set<String>
    ) throws(ExportError) {
        var seen: Set<String> = []
        for field in schema.fields {
            func refuse(_ reason: String) -> ExportError {
                ExportError("feature \(field.name): cannot be exported to ONNX, \(reason)")
            }
            guard !field.name.isEmpty else { throw refuse("its name is empty") }
            guard !outputNames.contains(field.name) else {
                throw refuse("its name is that of an output; rename it")
            }
            guard !tensorNames.contains(field.name) else {
                throw refuse("its name is that of a parameter; rename it")
            }
            guard seen.insert(field.name).inserted else { throw refuse("its name occurs twice") }
            // Every bucket needs a number that is not taken for a missing one.
            if case .bucketed(let boundaries) = field.kind,
                let extreme = boundaries.first(where: { !(abs($0) < NumericInput.magnitudeMax) })
            {
                throw refuse("its boundary \(extreme) is too large")
            }
        }
    }
}
