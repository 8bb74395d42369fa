internal import Events

/// A synthetic stream of impressions, clicks and conversions in the order of event time, whose click
/// and conversion probabilities are planted, so that the best possible figures are known.
///
/// Impressions have the features `user`, `ad`, `slot`, `hour`, `recent` (a list of ads), `price` and
/// `age` (both absent at times). It reads no clock; the same settings give the same bytes.
public struct StreamGenerator: Sendable {
    public let settings: GeneratorSettings
    /// Events given so far.
    public private(set) var emitted = 0
    /// When the new ad was first shown, milliseconds since the epoch; nil before.
    public private(set) var newAdStart: Int64?

    private let population: Population
    private let truth: PlantedTruth
    private let shiftedTruth: PlantedTruth?
    private var recentAds = RecentAds()
    private var pending = PendingEvents()
    private var text: EventText
    /// The ads in `recent` of the impression in hand.
    private var recent: [Int] = []
    private var ordinaryCount = 0
    private var newAdCount = 0
    /// Events given or still to come of the impressions given so far.
    private var claimed = 0
    /// The event given last, if it is to be given again.
    private var repetition: GeneratedEvent?

    /// - Throws: naming a setting that no stream can have.
    public init(_ settings: GeneratorSettings) throws(GeneratorError) {
        try settings.validate()
        self.settings = settings
        let population = Population(seed: settings.seed)
        let truth = PlantedTruth(
            seed: settings.seed,
            population: population,
            ctr: settings.ctr,
            cvr: settings.cvr
        )
        self.population = population
        self.truth = truth
        shiftedTruth = settings.shiftAfter.map { _ in
            truth.shifted(
                seed: settings.seed,
                population: population,
                ctr: settings.ctr,
                cvr: settings.cvr
            )
        }
        text = EventText(prefix: settings.idPrefix)
    }

    /// The JSON object of the event given last, without a line's end.
    public var payload: [UInt8] { text.payload }

    /// The text of the impression id to which the event given last belongs.
    public var key: [UInt8] { text.key }

    /// The next event, or nil after the last. Impressions end so that their clicks and conversions
    /// complete the number of events; at most the last impression's are cut off.
    public mutating func next() -> GeneratedEvent? {
        if let event = repetition {
            repetition = nil
            emitted += 1
            return event
        }
        let impression = nextImpression()
        if let follower = pending.first, impression == nil || follower.time < impression!.time {
            pending.removeFirst()
            return give(follower)
        }
        guard let (time, series) = impression else { return nil }
        return giveImpression(at: time, series: series)
    }

    /// An ordinary impression goes before one of the new ad at the same time.
    private mutating func nextImpression() -> (time: Int64, series: ImpressionNumber.Series)? {
        if let limit = settings.events, claimed >= limit { return nil }
        let ordinary = settings.start + milliseconds(Double(ordinaryCount) / settings.rate)
        guard let newAd = settings.newAd, emitted >= newAd.after else {
            return (ordinary, .ordinary)
        }
        let start = newAdStart ?? ordinary
        newAdStart = start
        let other = start + milliseconds(Double(newAdCount) / newAd.rate)
        return other < ordinary ? (other, .newAd) : (ordinary, .ordinary)
    }

    private mutating func giveImpression(
        at time: Int64,
        series: ImpressionNumber.Series
    ) -> GeneratedEvent {
        let isNewAd = series == .newAd
        let number = ImpressionNumber(series: series, number: isNewAd ? newAdCount : ordinaryCount)
        var random = SplitMix64(
            seed: settings.seed,
            purpose: isNewAd ? .newAdImpression : .impression,
            number: number.number
        )
        let contents = population.draw(
            &random,
            hour: Int(time / 3_600_000 % 24),
            ad: isNewAd ? Population.newAd : nil
        )
        let limit = population.recentLimits[contents.user]
        recentAds.copy(of: contents.user, limit: limit, to: &recent)
        let isShifted = settings.shiftAfter.map { emitted >= $0 } ?? false
        let probability: PlantedProbability
        if isNewAd, let newAd = settings.newAd {
            newAdCount += 1
            probability = PlantedProbability(ctr: newAd.ctr, cvr: newAd.cvr)
        } else {
            ordinaryCount += 1
            recentAds.append(contents.ad, user: contents.user)
            let shifted = isShifted ? shiftedTruth?.probability(contents, recent: recent) : nil
            probability = shifted ?? truth.probability(contents, recent: recent)
        }
        text.setImpression(number, time: time, contents: contents, recent: recent)
        return giveImpression(number, at: time, probability: probability, isShifted: isShifted)
    }

    /// Draws what follows from the impression, and gives it.
    private mutating func giveImpression(
        _ number: ImpressionNumber,
        at time: Int64,
        probability: PlantedProbability,
        isShifted: Bool
    ) -> GeneratedEvent {
        let flaws = DrawnFlaws(settings: settings, impression: number)
        _ = claim()
        var outcome = Outcome(settings: settings, impression: number, probability: probability)
        outcome.isClicked = outcome.isClicked && claim()
        let followsConversion = outcome.isClicked && !flaws.isClickLate && outcome.isConverted
        outcome.isConverted = followsConversion && claim()
        let isRepeated = flaws.repeatsImpression && claim()
        plan(outcome, flaws: flaws, impression: number, time: time)

        let onTime = 1 - settings.flaws.late
        let event = GeneratedEvent(
            role: .impression,
            time: time,
            flaw: .none,
            isNewAd: number.series == .newAd,
            planted: PlantedOutcome(
                probability: PlantedProbability(
                    ctr: probability.ctr * onTime,
                    cvr: probability.cvr * onTime
                ),
                isClicked: outcome.isClicked && !flaws.isClickLate,
                isConverted: outcome.isConverted && !flaws.isConversionLate,
                isShifted: isShifted
            )
        )
        return give(event, isRepeated: isRepeated)
    }

    private mutating func plan(
        _ outcome: Outcome,
        flaws: DrawnFlaws,
        impression: ImpressionNumber,
        time: Int64
    ) {
        guard outcome.isClicked else { return }
        let lateness = milliseconds(settings.flaws.lateBy)
        let clickTime = time + 1 + milliseconds(outcome.clickDelay)
        plan(
            .click,
            of: impression,
            at: clickTime + (flaws.isClickLate ? lateness : 0),
            isLate: flaws.isClickLate,
            isRepeated: flaws.repeatsClick,
            hasOrphan: flaws.orphansClick
        )
        guard outcome.isConverted else { return }
        let conversionTime = clickTime + 1 + milliseconds(outcome.conversionDelay)
        plan(
            .conversion,
            of: impression,
            at: conversionTime + (flaws.isConversionLate ? lateness : 0),
            isLate: flaws.isConversionLate,
            isRepeated: flaws.repeatsConversion,
            hasOrphan: flaws.orphansConversion
        )
    }

    private mutating func plan(
        _ role: Role,
        of impression: ImpressionNumber,
        at time: Int64,
        isLate: Bool,
        isRepeated: Bool,
        hasOrphan: Bool
    ) {
        var event = PendingEvent(
            time: time,
            role: role,
            flaw: isLate ? .late : .none,
            isRepeated: isRepeated && claim(),
            impression: impression
        )
        pending.insert(event)
        // Ordinary impressions and the new ad's must not name the same orphan.
        guard hasOrphan, impression.series == .ordinary, claim() else { return }
        event.flaw = .orphan
        event.isRepeated = false
        event.impression.series = .orphan
        pending.insert(event)
    }

    private mutating func give(_ follower: PendingEvent) -> GeneratedEvent {
        if follower.role == .click {
            text.setClick(of: follower.impression, time: follower.time)
        } else {
            var random = SplitMix64(
                seed: settings.seed,
                purpose: .conversion,
                number: follower.impression.number
            )
            text.setConversion(
                of: follower.impression,
                time: follower.time,
                namesClick: random.uniform() < 0.5,
                isPurchase: random.uniform() < 0.7,
                valueCents: 100 + random.integer(below: 9_900)
            )
        }
        let event = GeneratedEvent(
            role: follower.role,
            time: follower.time,
            flaw: follower.flaw,
            isNewAd: follower.impression.series == .newAd,
            planted: nil
        )
        return give(event, isRepeated: follower.isRepeated)
    }

    private mutating func give(_ event: GeneratedEvent, isRepeated: Bool) -> GeneratedEvent {
        emitted += 1
        if isRepeated {
            var copy = event
            copy.flaw = .duplicate
            copy.planted = nil
            repetition = copy
        }
        return event
    }

    /// Takes one of the events that are still free; false when there is none.
    private mutating func claim() -> Bool {
        if let limit = settings.events, claimed >= limit { return false }
        claimed += 1
        return true
    }
}

private func milliseconds(_ seconds: Double) -> Int64 {
    Int64(seconds * 1_000)
}
