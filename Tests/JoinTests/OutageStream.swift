import Events
import Join

/// Steady traffic in which clicks, conversions or both fall silent for a while: what they would have
/// sent is lost, comes later in disorder, or some of each. There are pauses of all traffic, too.
struct OutageStream {
    private var random: SplitMix64
    private let partitionCount: Int
    private var arrivals: [(time: Int64, step: RandomStream.Step)] = []

    /// The steps of a random stream whose guard is on.
    static func stream(seed: UInt64) -> RandomStream {
        var random = SplitMix64(seed: ~seed)
        let settings = Self.settings(&random)
        let partitionCount = Int.random(in: 1...4, using: &random)
        var outages = OutageStream(random: random, partitionCount: partitionCount)
        outages.fill()
        // In the order of arrival; of a moment, in that of making.
        let order = outages.arrivals.indices.sorted {
            (outages.arrivals[$0].time, $0) < (outages.arrivals[$1].time, $1)
        }
        return RandomStream(
            seed: seed,
            settings: settings,
            partitionCount: partitionCount,
            steps: order.map { outages.arrivals[$0].step }
        )
    }

    /// A guard to lay over any stream.
    static func addGuard(to settings: inout JoinSettings, _ random: inout SplitMix64) {
        settings.guardSpan = random.pick([3, 8, 8, 12, 20])
        settings.guardRatio = random.pick([0.2, 0.5, 0.8])
        settings.guardEvidence = random.pick([1, 1, 2])
    }

    private static func settings(_ random: inout SplitMix64) -> JoinSettings {
        var settings = JoinSettings(
            clickWindow: random.pick([5, 10, 20, 40]),
            conversionWindow: random.pick([3, 10, 30]),
            orphanWindow: random.pick([5, 20, 100]),
            closedMemory: random.pick([20, 100, 1000]),
            ctrTiming: random.pick(LabelTiming.allCases),
            ctcvrTiming: random.pick(LabelTiming.allCases),
            openImpressionsMax: random.pick([10, 1000, 1000, 1000]),
            heldEventsMax: random.pick([3, 1000, 1000, 1000]),
            closedIDsMax: random.pick([5, 1000, 1000, 1000])
        )
        addGuard(to: &settings, &random)
        return settings
    }

    private init(random: SplitMix64, partitionCount: Int) {
        self.random = random
        self.partitionCount = partitionCount
    }

    /// When a role is silent, what becomes of its events, and how late the survivors come.
    private struct Outage {
        var role: Role
        var times: Range<Int64>
        var lostShare: Double
        var spread: Int64
    }

    private mutating func fill() {
        let count = Int.random(in: 40...80, using: &random)
        let start: Int64 = random.pick([0, -300, 1_650_000_000_000])
        let longestStep: Int64 = random.pick([2, 4])
        let clickShare = random.pick([0.5, 0.9])
        let longestDelay: Int64 = random.pick([0, 1, 5, 15])
        let outages = outages(in: start..<start + Int64(count) * longestStep)
        let disorder = random.pick([0, 0, 0.1])
        var now = start
        for number in 1...count {
            now += Int64.random(in: 0...longestStep, using: &random)
            if random.chance(0.005) { now += random.pick([50, 400, 9000]) }
            if random.chance(0.05) { arrivals.append((now, .advance(now))) }
            let id = EventID("\(number)")
            var event = Event(role: .impression, partition: 0, time: now, impressionID: id)
            add(event, outages, disorder)
            guard random.chance(clickShare) else { continue }
            event.role = .click
            event.time += Int64.random(in: 0...longestDelay, using: &random)
            if random.chance(0.7) { event.clickID = EventID("k\(number)") }
            add(event, outages, disorder)
            guard random.chance(0.7) else { continue }
            event.role = .conversion
            event.time += Int64.random(in: 0...longestDelay, using: &random)
            if !event.clickID.isNone { event.impressionID = .none }
            if random.chance(0.5) { event.conversionID = EventID("o\(number)") }
            add(event, outages, disorder)
        }
    }

    /// In the later half, so that it is known by then what is usual.
    private mutating func outages(in times: Range<Int64>) -> [Outage] {
        (0..<random.pick([0, 1, 1, 1, 2])).map { _ in
            let length = Int64.random(in: 10...40, using: &random)
            let half = Int64(times.count) / 2
            let start = times.lowerBound + Int64.random(in: half / 2...half, using: &random)
            return Outage(
                role: random.pick([.click, .click, .conversion, .conversion, .impression]),
                times: start..<start + length,
                lostShare: random.pick([0, 0, 0, 0.5, 1]),
                spread: random.pick([0, 10, 30])
            )
        }
    }

    private mutating func add(_ event: Event, _ outages: [Outage], _ disorder: Double) {
        var event = event
        event.partition = Int32.random(in: 0..<Int32(partitionCount), using: &random)
        var arrival = event.time
        if random.chance(disorder) { arrival += Int64.random(in: 1...15, using: &random) }
        for outage in outages
        where outage.role == event.role && outage.times.contains(event.time) {
            if random.chance(outage.lostShare) { return }
            arrival = outage.times.upperBound
            if outage.spread > 0 { arrival += Int64.random(in: 0...outage.spread, using: &random) }
        }
        let isImpression = event.role == .impression
        let step = RandomStream.Step.event(
            event,
            features: isImpression ? [UInt32.random(in: 0...999, using: &random)] : [],
            text: isImpression ? Array("\(event.impressionID.low)".utf8) : []
        )
        arrivals.append((arrival, step))
        if random.chance(0.03) { arrivals.append((arrival + 5, step)) }
    }
}
