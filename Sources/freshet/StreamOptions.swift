import ArgumentParser
import Generate

/// The options that say what a generated stream is like.
struct StreamOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Impressions per second of event time.", valueName: "r"))
    var rate = 100.0

    @Option(help: ArgumentHelp("Mean click probability of an impression.", valueName: "p"))
    var ctr = 0.05

    @Option(help: ArgumentHelp("Mean conversion probability of a click.", valueName: "p"))
    var cvr = 0.1

    @Option(help: ArgumentHelp("Mean seconds from impression to click.", valueName: "s"))
    var clickDelay = 5.0

    @Option(help: ArgumentHelp("Mean seconds from click to conversion.", valueName: "s"))
    var conversionDelay = 60.0

    @Option(
        help: ArgumentHelp(
            "Time of the first impression, milliseconds since the epoch.",
            discussion: "2026-01-01T00:00:00Z unless given.",
            valueName: "ms"
        )
    )
    var start: Int64?

    @Flag(
        help: ArgumentHelp(
            "Change the planted truth after half of the events.",
            discussion: "Half of the ads get other effects, and the odds of a click grow by half."
        )
    )
    var shift = false

    @Option(
        help: ArgumentHelp(
            "Show a new ad after this fraction of the events, in addition to the others.",
            valueName: "f"
        )
    )
    var newAdAt: Double?

    @Option(help: ArgumentHelp("Impressions of the new ad per second.", valueName: "r"))
    var newAdRate = 20.0

    @Option(help: ArgumentHelp("Constant click probability of the new ad.", valueName: "p"))
    var newAdCtr = 0.03

    @Option(help: ArgumentHelp("Share of events that are sent twice.", valueName: "p"))
    var duplicates = 0.0

    @Option(
        help: ArgumentHelp(
            "Share of clicks and conversions beside which one comes that refers to nothing.",
            valueName: "p"
        )
    )
    var orphans = 0.0

    @Option(
        help: ArgumentHelp(
            "Share of clicks and conversions that come late.",
            discussion: "The planted figures count them as not having happened.",
            valueName: "p"
        )
    )
    var late = 0.0

    @Option(help: ArgumentHelp("How much later they come, seconds.", valueName: "s"))
    var lateBy = 86_400.0

    /// - Throws: `ValidationError` when an option needs the number of events that is not given.
    func settings(events: Int?, seed: UInt64) throws -> GeneratorSettings {
        var settings = GeneratorSettings(events: events, seed: seed)
        settings.start = start ?? settings.start
        settings.rate = rate
        settings.ctr = ctr
        settings.cvr = cvr
        settings.clickDelay = clickDelay
        settings.conversionDelay = conversionDelay
        settings.flaws.duplicates = duplicates
        settings.flaws.orphans = orphans
        settings.flaws.late = late
        settings.flaws.lateBy = lateBy
        if shift {
            guard let events else { throw ValidationError("--shift needs --events") }
            settings.shiftAfter = events / 2
        }
        if let newAdAt {
            guard let events else { throw ValidationError("--new-ad-at needs --events") }
            guard (0...1).contains(newAdAt) else {
                throw ValidationError("--new-ad-at is \(newAdAt), not between 0 and 1")
            }
            let eventsInReach = Double(min(events, GeneratorSettings.eventsMax))
            var newAd = GeneratorSettings.NewAd(after: Int(newAdAt * eventsInReach))
            newAd.rate = newAdRate
            newAd.ctr = newAdCtr
            settings.newAd = newAd
        }
        return settings
    }
}
