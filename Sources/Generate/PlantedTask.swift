internal import Glibc

/// How strongly each part of an impression moves a task's logit: standard deviations under the
/// stream's traffic for `ad`, `slot`, `user`; coefficients for the rest.
struct EffectStrengths: Sendable {
    var ad: Double
    var slot: Double
    var user: Double
    /// Of the mean over the recent ads' effects.
    var recent: Double
    /// Of the standardised price.
    var price: Double
    /// Of the standardised age and of its square.
    var age: Double
    var ageSquared: Double
    /// Of a sine over the day that is 0 at midnight.
    var hour: Double
    /// Of the factor products ad · slot and ad · mean of recent.
    var adSlot: Double
    var adRecent: Double

    /// Users are weak, since a short stream meets most of them a few times only.
    static let click = EffectStrengths(
        ad: 1.0,
        slot: 0.6,
        user: 0.15,
        recent: 0.6,
        price: -0.5,
        age: 0.35,
        ageSquared: -0.25,
        hour: 0.25,
        adSlot: 0.15,
        adRecent: 0.2
    )
    static let conversion = EffectStrengths(
        ad: 0.8,
        slot: 0.3,
        user: 0.1,
        recent: 0.4,
        price: -0.4,
        age: -0.3,
        ageSquared: 0,
        hour: -0.2,
        adSlot: 0.1,
        adRecent: 0.15
    )
}

/// The planted logit of one task: effects of single values plus two factor products.
struct PlantedTask: Sendable {
    let strengths: EffectStrengths
    /// [ads]
    private var adEffects: [Double]
    /// [slots]
    private let slotEffects: [Double]
    /// [users]
    private let userEffects: [Double]
    /// Of an ad among the recent ones, [ads].
    private let recentEffects: [Double]
    /// [ads] and [slots], of 4 factors.
    private let adFactors: [SIMD4<Double>]
    private let slotFactors: [SIMD4<Double>]

    init(strengths: EffectStrengths, population: Population, random: inout SplitMix64) {
        self.strengths = strengths
        adEffects = Self.effects(population.ads, deviation: strengths.ad, &random)
        slotEffects = Self.effects(population.slots, deviation: strengths.slot, &random)
        userEffects = Self.effects(population.users, deviation: strengths.user, &random)
        recentEffects = Self.effects(population.ads, deviation: strengths.recent, &random)
        adFactors = Self.factors(Population.adCount, &random)
        slotFactors = Self.factors(Population.slotCount, &random)
    }

    /// Draws the effects of half of the ads anew.
    mutating func redrawAds(population: Population, random: inout SplitMix64) {
        let fresh = Self.effects(population.ads, deviation: strengths.ad, &random)
        for ad in adEffects.indices where random.uniform() < 0.5 { adEffects[ad] = fresh[ad] }
    }

    /// The logit of an ordinary impression, before the bias.
    func logit(_ impression: ImpressionContents, recent: [Int]) -> Double {
        let ad = impression.ad
        var sum = adEffects[ad] + slotEffects[impression.slot] + userEffects[impression.user]
        let adFactor = adFactors[ad]
        sum += strengths.adSlot * (adFactor * slotFactors[impression.slot]).sum()
        if let cents = impression.priceCents {
            sum += strengths.price * (Double(cents) - 2_750) / 1_320
        }
        if let age = impression.age {
            let standardised = (Double(age) - 48.5) / 12.5
            sum += strengths.age * standardised
            sum += strengths.ageSquared * (standardised * standardised - 1)
        }
        sum += strengths.hour * Self.daily[impression.hour]
        if !recent.isEmpty {
            var effect = 0.0
            var factor = SIMD4<Double>.zero
            for seen in recent {
                effect += recentEffects[seen]
                factor += adFactors[seen]
            }
            effect += strengths.adRecent * (adFactor * factor).sum()
            sum += effect / Double(recent.count)
        }
        return sum
    }

    private static let daily = (0..<24).map { sin(2 * Double.pi * Double($0) / 24) }

    /// Normal draws, shifted and scaled to mean 0 and `deviation` under the popularity, so that
    /// the figures of different seeds are alike.
    private static func effects(
        _ popularity: Popularity,
        deviation: Double,
        _ random: inout SplitMix64
    ) -> [Double] {
        let draws = popularity.share.map { _ in random.normal() }
        var mean = 0.0
        for (share, draw) in zip(popularity.share, draws) { mean += share * draw }
        var variance = 0.0
        for (share, draw) in zip(popularity.share, draws) {
            variance += share * (draw - mean) * (draw - mean)
        }
        return draws.map { ($0 - mean) * deviation / variance.squareRoot() }
    }

    private static func factors(_ count: Int, _ random: inout SplitMix64) -> [SIMD4<Double>] {
        (0..<count).map { _ in
            SIMD4(random.normal(), random.normal(), random.normal(), random.normal())
        }
    }
}
