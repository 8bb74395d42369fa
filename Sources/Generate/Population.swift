/// What an impression shows to whom. `recent` travels beside it, in the generator's buffer.
struct ImpressionContents: Sendable, BitwiseCopyable {
    var user: Int
    var ad: Int
    var slot: Int
    /// 0–23, UTC.
    var hour: Int
    /// nil where the feature is absent.
    var priceCents: Int?
    /// nil where the feature is absent.
    var age: Int?
}

/// The users, ads and slots, and how often each is met.
struct Population: Sendable {
    static let userCount = 20_000
    static let adCount = 2_000
    static let slotCount = 12
    /// The most ads that `recent` holds.
    static let recentMax = 10
    /// The ad that only `GeneratorSettings.NewAd` shows.
    static let newAd = adCount

    let users = Popularity(count: userCount, exponent: 0.8)
    let ads = Popularity(count: adCount, exponent: 1.0)
    let slots = Popularity(count: slotCount, exponent: 0.6)
    /// Per user; nil for the fifth whose age is not known.
    private let ages: [Int?]
    /// Per user: how many of the ads last seen are told in `recent`, 0...recentMax.
    let recentLimits: [Int]
    /// Per ad, the new one included, in cents; what is shown varies around it.
    private let prices: [Int]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed, purpose: .population)
        var ages: [Int?] = []
        var limits: [Int] = []
        for _ in 0..<Self.userCount {
            let age = 18 + (random.integer(below: 62) + random.integer(below: 62)) / 2
            ages.append(random.uniform() < 0.2 ? nil : age)
            limits.append(random.integer(below: Self.recentMax + 1))
        }
        self.ages = ages
        recentLimits = limits
        prices = (0...Self.adCount).map { _ in 500 + random.integer(below: 4_501) }
    }

    /// Draws an impression of any ad, or of `ad`.
    func draw(_ random: inout SplitMix64, hour: Int, ad chosen: Int? = nil) -> ImpressionContents {
        let user = users.draw(&random)
        let drawn = ads.draw(&random)
        let ad = chosen ?? drawn
        let slot = slots.draw(&random)
        let price = Int(Double(prices[ad]) * (0.85 + 0.3 * random.uniform()))
        return ImpressionContents(
            user: user,
            ad: ad,
            slot: slot,
            hour: hour,
            priceCents: random.uniform() < 0.1 ? nil : price,
            age: ages[user]
        )
    }
}

/// The ads that each user saw last.
struct RecentAds: Sendable {
    /// [users, recentMax], each row a ring.
    private var rings = [Int32](repeating: 0, count: Population.userCount * Population.recentMax)
    /// How many ads each user has been shown.
    private var counts = [Int](repeating: 0, count: Population.userCount)

    mutating func append(_ ad: Int, user: Int) {
        rings[user * Population.recentMax + counts[user] % Population.recentMax] = Int32(ad)
        counts[user] += 1
    }

    /// Replaces `list` by the last ads of `user`, at most `limit`, the newest first.
    func copy(of user: Int, limit: Int, to list: inout [Int]) {
        list.removeAll(keepingCapacity: true)
        let count = counts[user]
        for back in 0..<min(count, limit) {
            let position = (count - 1 - back) % Population.recentMax
            list.append(Int(rings[user * Population.recentMax + position]))
        }
    }
}
