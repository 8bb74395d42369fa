internal import Events

/// The layers of a network: their places in the parameters and in the activations, but no memory.
struct NetworkLayers {
    let layout: NetworkLayout
    var inputs: FeatureInputs
    let mixture: ExpertMixture
    let ctrTower: TaskTower
    let cvrTower: TaskTower

    init(
        schema: FeatureSchema,
        settings: NetworkSettings,
        embeddingDeviation: Float,
        outputBiases: (ctr: Float, cvr: Float)
    ) {
        var layout = NetworkLayout()
        inputs = FeatureInputs(
            schema: schema,
            settings: settings,
            deviation: embeddingDeviation,
            layout: &layout
        )
        mixture = ExpertMixture(settings: settings, input: inputs.output, layout: &layout)
        ctrTower = TaskTower(
            task: "ctr",
            settings: settings,
            input: mixture.output(task: 0),
            outputBias: outputBiases.ctr,
            layout: &layout
        )
        cvrTower = TaskTower(
            task: "cvr",
            settings: settings,
            input: mixture.output(task: 1),
            outputBias: outputBiases.cvr,
            layout: &layout
        )
        self.layout = layout
    }
}
