internal import Configure
public import Learn
internal import Pipeline

extension ServingSnapshot {
    /// Where each tensor is in `parameters`.
    /// - Throws: `ExportError` if the parameters are not those of the configuration.
    public func tensors() throws(ExportError) -> [Tensor] {
        let tensors = NetworkTensors(
            schema: configuration.schema,
            settings: configuration.learn.network
        )
        guard parameters.count == tensors.parameterCount else {
            throw ExportError(
                "snapshot \(name) has \(parameters.count) parameters, the network of its "
                    + "configuration \(tensors.parameterCount)"
            )
        }
        return tensors.all
    }

    /// How full each embedding table is.
    /// - Throws: `ExportError` if the parameters are not those of the configuration.
    public func fieldFigures() throws(ExportError) -> [FieldFigures] {
        _ = try tensors()
        return FieldFigures.all(
            of: parameters,
            schema: configuration.schema,
            settings: configuration.learn,
            addedFeatures: body.addedFeatures ?? []
        )
    }
}
