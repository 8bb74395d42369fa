/// What was drawn to follow from one impression.
struct Outcome {
    var isClicked: Bool
    var isConverted: Bool
    /// Seconds after the impression, and after the click.
    let clickDelay: Double
    let conversionDelay: Double

    /// Always draws all of it, so that other probabilities (a shift) leave the delays alone.
    init(
        settings: GeneratorSettings,
        impression: ImpressionNumber,
        probability: PlantedProbability
    ) {
        var random = SplitMix64(
            seed: settings.seed,
            purpose: impression.series == .newAd ? .newAdOutcome : .outcome,
            number: impression.number
        )
        isClicked = random.uniform() < probability.ctr
        isConverted = random.uniform() < probability.cvr && isClicked
        clickDelay = random.exponential(mean: settings.clickDelay)
        conversionDelay = random.exponential(mean: settings.conversionDelay)
    }
}

/// Which flaws an impression and what follows from it have.
struct DrawnFlaws {
    var repeatsImpression = false
    var repeatsClick = false
    var repeatsConversion = false
    var orphansClick = false
    var orphansConversion = false
    var isClickLate = false
    var isConversionLate = false

    init(settings: GeneratorSettings, impression: ImpressionNumber) {
        let flaws = settings.flaws
        var random = SplitMix64(
            seed: settings.seed,
            purpose: impression.series == .newAd ? .newAdFlaws : .flaws,
            number: impression.number
        )
        repeatsImpression = random.uniform() < flaws.duplicates
        repeatsClick = random.uniform() < flaws.duplicates
        repeatsConversion = random.uniform() < flaws.duplicates
        orphansClick = random.uniform() < flaws.orphans
        orphansConversion = random.uniform() < flaws.orphans
        isClickLate = random.uniform() < flaws.late
        isConversionLate = random.uniform() < flaws.late
    }
}
