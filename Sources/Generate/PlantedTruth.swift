internal import Glibc

/// The planted p(click) of an impression and p(conversion) of its click.
public struct PlantedProbability: Equatable, Sendable, BitwiseCopyable {
    public var ctr: Double
    public var cvr: Double

    public var ctcvr: Double { ctr * cvr }

    public init(ctr: Double, cvr: Double) {
        self.ctr = ctr
        self.cvr = cvr
    }
}

/// What decides the clicks and conversions: a logit per task and the biases that give the wanted
/// mean rates. Clicks and conversions are partly correlated, as in real streams.
struct PlantedTruth: Sendable {
    private var click: PlantedTask
    private var conversion: PlantedTask
    private var clickBias = 0.0
    private var conversionBias = 0.0

    /// How much of the click's logit is in the conversion's.
    private static let correlation = 0.3

    init(seed: UInt64, population: Population, ctr: Double, cvr: Double) {
        var random = SplitMix64(seed: seed, purpose: .truth)
        click = PlantedTask(strengths: .click, population: population, random: &random)
        conversion = PlantedTask(strengths: .conversion, population: population, random: &random)
        calibrate(seed: seed, population: population, ctr: ctr, cvr: cvr)
    }

    /// The truth after a shift: half of the ads drawn anew, for either task, and the odds of a
    /// click half as high again.
    func shifted(seed: UInt64, population: Population, ctr: Double, cvr: Double) -> PlantedTruth {
        var random = SplitMix64(seed: seed, purpose: .shiftedTruth)
        var truth = self
        truth.click.redrawAds(population: population, random: &random)
        truth.conversion.redrawAds(population: population, random: &random)
        let odds = 1.5 * ctr / (1 - ctr)
        truth.calibrate(seed: seed, population: population, ctr: odds / (1 + odds), cvr: cvr)
        return truth
    }

    func probability(_ impression: ImpressionContents, recent: [Int]) -> PlantedProbability {
        let (clickLogit, conversionLogit) = logits(impression, recent: recent)
        return PlantedProbability(
            ctr: logistic(clickLogit + clickBias),
            cvr: logistic(conversionLogit + conversionBias)
        )
    }

    private func logits(
        _ impression: ImpressionContents,
        recent: [Int]
    ) -> (click: Double, conversion: Double) {
        let clickLogit = click.logit(impression, recent: recent)
        let own = conversion.logit(impression, recent: recent)
        return (clickLogit, own + Self.correlation * clickLogit)
    }

    /// Finds the biases on a sample of midnight impressions with full lists.
    private mutating func calibrate(seed: UInt64, population: Population, ctr: Double, cvr: Double)
    {
        let sampleCount = 1 << 16
        var random = SplitMix64(seed: seed, purpose: .calibration)
        var clickLogits: [Double] = []
        var conversionLogits: [Double] = []
        var recent: [Int] = []
        for _ in 0..<sampleCount {
            let impression = population.draw(&random, hour: 0)
            recent.removeAll(keepingCapacity: true)
            for _ in 0..<population.recentLimits[impression.user] {
                recent.append(population.ads.draw(&random))
            }
            let (clickLogit, conversionLogit) = logits(impression, recent: recent)
            clickLogits.append(clickLogit)
            conversionLogits.append(conversionLogit)
        }
        let equal = [Double](repeating: 1, count: sampleCount)
        clickBias = bias(of: clickLogits, weights: equal, givingMean: ctr)
        let clicks = clickLogits.map { logistic($0 + clickBias) }
        conversionBias = bias(of: conversionLogits, weights: clicks, givingMean: cvr)
    }
}

/// The b for which the weighted mean m of σ(logit + b) is `mean`: Newton's method on the log-odds of
/// m, which are nearly linear in b.
private func bias(of logits: [Double], weights: [Double], givingMean mean: Double) -> Double {
    let weight = weights.reduce(0, +)
    let wanted = log(mean / (1 - mean))
    var bias = wanted
    for _ in 0..<8 {
        var sum = 0.0
        var slope = 0.0
        for index in logits.indices {
            let probability = logistic(logits[index] + bias)
            sum += weights[index] * probability
            slope += weights[index] * probability * (1 - probability)
        }
        let present = sum / weight
        bias += (wanted - log(present / (1 - present))) * present * (1 - present) * weight / slope
    }
    return bias
}

/// σ(x) = 1 / (1 + e⁻ˣ)
private func logistic(_ logit: Double) -> Double {
    1 / (1 + exp(-logit))
}
