import Events
import Foundation
import Generate
import Testing

@Suite struct PlantedTruthTests {
    @Test("mean rates are the ones asked for", arguments: [(0.05, 0.1, 1), (0.2, 0.3, 2)])
    func meanRates(ctr: Double, cvr: Double, seed: UInt64) throws {
        var settings = GeneratorSettings(events: 200_000, seed: seed)
        settings.ctr = ctr
        settings.cvr = cvr
        let outcomes = try plantedOutcomes(settings)
        let mean = outcomes.map(\.probability.ctr).reduce(0, +) / Double(outcomes.count)
        #expect(abs(mean / ctr - 1) < 0.05, "seed \(seed)")
        let both = outcomes.map(\.probability.ctcvr).reduce(0, +) / Double(outcomes.count)
        #expect(abs(both / mean / cvr - 1) < 0.05, "seed \(seed)")
        let clicks = outcomes.filter(\.isClicked).count
        #expect(abs(Double(clicks) / Double(outcomes.count) / ctr - 1) < 0.06, "seed \(seed)")
    }

    @Test("in every decile of the planted probability as many clicks happen as planted")
    func deciles() throws {
        let outcomes = try plantedOutcomes(GeneratorSettings(events: 300_000, seed: 11))
        let clicked = outcomes.filter(\.isClicked)
        expectCalibrated(outcomes.map { ($0.probability.ctr, $0.isClicked) })
        expectCalibrated(outcomes.map { ($0.probability.ctcvr, $0.isConverted) })
        expectCalibrated(clicked.map { ($0.probability.cvr, $0.isConverted) })
    }

    private func expectCalibrated(_ pairs: [(probability: Double, happened: Bool)]) {
        let sorted = pairs.sorted { $0.probability < $1.probability }
        for decile in 0..<10 {
            let part = sorted[sorted.count * decile / 10..<sorted.count * (decile + 1) / 10]
            let expected = part.map(\.probability).reduce(0, +)
            let variance = part.map { $0.probability * (1 - $0.probability) }.reduce(0, +)
            let happened = Double(part.filter(\.happened).count)
            #expect(abs(happened - expected) < 4 * variance.squareRoot() + 1, "decile \(decile)")
        }
    }

    @Test("a shift changes the truth after half of the events and nothing before")
    func shift() throws {
        var settings = GeneratorSettings(events: 100_000, seed: 12)
        let plain = try record(settings)
        settings.shiftAfter = 50_000
        let shifted = try record(settings)
        #expect(plain[..<50_000] == shifted[..<50_000])
        #expect(shifted[..<50_000].allSatisfy { $0.event.planted?.isShifted != true })
        #expect(shifted[50_000...].allSatisfy { $0.event.planted?.isShifted != false })

        var byKey: [String: PlantedProbability] = [:]
        for recorded in plain { byKey[recorded.key] = recorded.event.planted?.probability }
        var (before, after, doubled, count) = (0.0, 0.0, 0, 0)
        for recorded in shifted[50_000...] {
            guard let probability = recorded.event.planted?.probability,
                let former = byKey[recorded.key]
            else { continue }
            before += former.ctr
            after += probability.ctr
            doubled += abs(log(probability.ctr / former.ctr)) > log(2) ? 1 : 0
            count += 1
        }
        #expect(abs(after / before - 1.465) < 0.15)
        #expect(Double(doubled) / Double(count) > 0.1)
    }

    @Test("a new ad appears when asked for, at its own rate and constant probability")
    func newAd() throws {
        var settings = GeneratorSettings(events: 100_000, seed: 13)
        let plain = try record(settings)
        var newAd = GeneratorSettings.NewAd(after: 40_000)
        newAd.rate = 20
        newAd.ctr = 0.03
        settings.newAd = newAd
        let events = try record(settings)
        #expect(events[..<40_000] == plain[..<40_000])
        #expect(events[..<40_000].allSatisfy { !$0.event.isNewAd })
        let shown = events.filter { $0.event.isNewAd && $0.event.role == .impression }
        for recorded in shown {
            let features = try #require(try recorded.json["features"] as? [String: Any])
            #expect(features["ad"] as? Int == GeneratorSettings.NewAd.id)
            #expect(recorded.event.planted?.probability.ctr == 0.03)
        }
        let ordinary = events[40_000...].filter {
            !$0.event.isNewAd && $0.event.role == .impression
        }
        #expect(abs(Double(shown.count) / Double(ordinary.count) - 0.2) < 0.001)
        let clicks = shown.filter { $0.event.planted?.isClicked == true }.count
        let expected = 0.03 * Double(shown.count)
        #expect(abs(Double(clicks) - expected) < 4 * (0.97 * expected).squareRoot())
    }

    @Test("flaws come at their rates and leave the other events alone")
    func flaws() throws {
        var settings = GeneratorSettings(events: 100_000, seed: 14)
        let plain = try record(settings)
        settings.flaws.duplicates = 0.02
        settings.flaws.orphans = 0.1
        settings.flaws.late = 0.1
        let flawed = try record(settings)
        let duplicates = flawed.indices.filter { flawed[$0].event.flaw == .duplicate }
        for index in duplicates { #expect(flawed[index].payload == flawed[index - 1].payload) }
        #expect(abs(Double(duplicates.count) / 100_000 - 0.02) < 0.002)

        let clicks = flawed.filter { $0.event.role == .click && $0.event.flaw != .duplicate }
        let orphans = clicks.filter { $0.event.flaw == .orphan }
        let late = clicks.filter { $0.event.flaw == .late }
        let genuine = Double(clicks.count - orphans.count)
        #expect(abs(Double(orphans.count) / genuine - 0.1) < 0.02)
        #expect(abs(Double(late.count) / genuine - 0.1) < 0.02)
        let impressions = Set(flawed.filter { $0.event.role == .impression }.map(\.key))
        #expect(orphans.allSatisfy { !impressions.contains($0.key) })

        let first = plain.filter { $0.event.role == .impression }.prefix(50_000).map(\.payload)
        let second = flawed.filter { $0.event.planted != nil }.prefix(50_000).map(\.payload)
        #expect(first == second)
    }
}
