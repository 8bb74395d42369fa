import Events
import Foundation
import Generate
import Testing

@Suite struct StreamGeneratorTests {
    @Test("the same settings give the same bytes, another seed gives others")
    func determinism() throws {
        let first = try record(GeneratorSettings(events: 5_000, seed: 3))
        let second = try record(GeneratorSettings(events: 5_000, seed: 3))
        var other = GeneratorSettings(events: 5_000, seed: 4)
        other.idPrefix = "s3"
        let third = try record(other)
        #expect(first == second && first != third)
    }

    @Test("there are exactly as many events as asked for", arguments: [1, 2, 3, 10, 777, 20_000])
    func eventCount(count: Int) throws {
        var settings = GeneratorSettings(events: count, seed: 5)
        #expect(try record(settings).count == count)
        settings.flaws.duplicates = 0.3
        settings.flaws.orphans = 0.3
        settings.flaws.late = 0.3
        settings.newAd = GeneratorSettings.NewAd(after: count / 2)
        #expect(try record(settings).count == count)
    }

    @Test("events come in the order of event time, and impressions first at equal times")
    func order() throws {
        var settings = GeneratorSettings(events: 30_000, seed: 6)
        settings.rate = 5_000
        settings.clickDelay = 0.01
        settings.conversionDelay = 0.02
        settings.flaws.late = 0.05
        settings.newAd = GeneratorSettings.NewAd(after: 10_000)
        let events = try record(settings)
        for (one, next) in zip(events, events.dropFirst()) {
            let inOrder =
                one.event.time < next.event.time
                || one.event.time == next.event.time
                    && one.event.role.rawValue <= next.event.role.rawValue
            #expect(inOrder, "\(one.key) before \(next.key), seed \(settings.seed)")
        }
    }

    @Test("impressions come at the rate, beginning at the start")
    func rate() throws {
        var settings = GeneratorSettings(events: 2_000, seed: 7)
        settings.rate = 30
        settings.start = 1_000_000
        let times = try record(settings).filter { $0.event.role == .impression }.map(\.event.time)
        for (index, time) in times.enumerated() {
            #expect(abs(Double(time) - (1e6 + Double(index) * 1e3 / 30)) <= 1)
        }
    }

    @Test("every event is JSON with the documented fields, and refers to what was sent before")
    func json() throws {
        let events = try record(GeneratorSettings(events: 8_000, seed: 8))
        var impressions: Set<String> = []
        var clicks: [String: Int64] = [:]
        var namings: Set<String> = []
        var absent: Set<String> = []
        for recorded in events {
            let json = try recorded.json
            #expect((json["ts"] as? NSNumber)?.int64Value == recorded.event.time)
            switch recorded.event.role {
            case .impression:
                let id = try #require(json["impression_id"] as? String)
                #expect(impressions.insert(id).inserted && id == recorded.key)
                let features = try #require(json["features"] as? [String: Any])
                expectFeatures(features, time: recorded.event.time)
                absent.formUnion(["price", "age"].filter { features[$0] == nil })
            case .click:
                let id = try #require(json["impression_id"] as? String)
                #expect(impressions.contains(id) && id == recorded.key)
                clicks[try #require(json["click_id"] as? String)] = recorded.event.time
            case .conversion:
                let naming = json["click_id"] as? String
                namings.insert(naming == nil ? "impression" : "click")
                if let naming { #expect(clicks[naming] ?? .max < recorded.event.time) }
                let id = json["impression_id"] as? String ?? recorded.key
                #expect(impressions.contains(id) && id == recorded.key)
                #expect(json["event_id"] is String && json["type"] is String)
                #expect(json["value"] as? Double ?? 0 >= 1)
            }
        }
        #expect(namings == ["impression", "click"])
        #expect(absent == ["price", "age"])
    }

    private func expectFeatures(_ features: [String: Any], time: Int64) {
        #expect((0..<20_000).contains(features["user"] as? Int ?? -1))
        #expect((0..<2_000).contains(features["ad"] as? Int ?? -1))
        #expect((0..<12).map { "s\($0)" }.contains(features["slot"] as? String))
        #expect(features["hour"] as? Int == Int(time / 3_600_000 % 24))
        #expect((features["recent"] as? [Int])?.count ?? 99 <= 10)
        if let price = features["price"] { #expect(price as? Double ?? 0 > 4) }
        if let age = features["age"] { #expect((18..<80).contains(age as? Int ?? 0)) }
    }

    @Test("recent holds the ads that the user was shown before, the newest first")
    func recentAds() throws {
        var seen: [Int: [Int]] = [:]
        var longest = 0
        for recorded in try record(GeneratorSettings(events: 8_000, seed: 9))
        where recorded.event.role == .impression {
            let features = try #require(try recorded.json["features"] as? [String: Any])
            let user = try #require(features["user"] as? Int)
            let recent = try #require(features["recent"] as? [Int])
            #expect(recent == Array(seen[user, default: []].prefix(recent.count)))
            seen[user, default: []].insert(try #require(features["ad"] as? Int), at: 0)
            longest = max(longest, recent.count)
        }
        #expect(longest == 10)
    }

    @Test("delays are exponential with the means asked for")
    func delays() throws {
        var settings = GeneratorSettings(events: 60_000, seed: 10)
        settings.ctr = 0.3
        settings.cvr = 0.3
        settings.clickDelay = 2
        settings.conversionDelay = 30
        var times: [String: [Int64]] = [:]
        for recorded in try record(settings) {
            times[recorded.key, default: []].append(recorded.event.time)
        }
        for (position, mean) in [(1, 2_000.0), (2, 30_000.0)] {
            let delays = times.values.filter { $0.count > position }
                .map { Double($0[position] - $0[position - 1]) }
            let average = delays.reduce(0, +) / Double(delays.count)
            // The standard error of the mean of n exponential delays is mean / √n.
            #expect(abs(average - mean) < 4 * mean / Double(delays.count).squareRoot() + 1)
            let beyond = Double(delays.filter { $0 > mean }.count) / Double(delays.count)
            #expect(abs(beyond - exp(-1)) < 0.03)
        }
    }

    @Test("settings that no stream can have are refused by name")
    func refusal() {
        var settings = GeneratorSettings(events: 0, seed: 1)
        #expect(throws: GeneratorError("events is 0, not between 1 and 1000000000000")) {
            try StreamGenerator(settings)
        }
        settings.events = 1
        settings.ctr = 1.5
        #expect(throws: GeneratorError("ctr is 1.5, not between 1e-06 and 0.95")) {
            try StreamGenerator(settings)
        }
        settings.ctr = 0.5
        settings.rate = .nan
        #expect(throws: GeneratorError.self) { try StreamGenerator(settings) }
        settings.rate = 1
        settings.idPrefix = "a\"b"
        #expect(throws: GeneratorError.self) { try StreamGenerator(settings) }
    }
}
