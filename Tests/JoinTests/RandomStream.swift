import Events
import Join

/// A short random stream over so few ids and so narrow windows that everything the rules speak of
/// happens often. The same seed gives the same stream, everywhere and always.
struct RandomStream {
    enum Step {
        case event(Event, features: [UInt32], text: [UInt8])
        case advance(Int64)
        case quarantine(partition: Int32, count: Int)
    }

    enum Scale {
        /// A few ids, limits of a few.
        case short
        /// Such a stream with a silence guard.
        case guarded
        /// An `OutageStream`.
        case outage
        /// Hundreds of ids open, held and remembered at a time, so that every table grows, wraps
        /// and reuses its places.
        case long
    }

    let seed: UInt64
    var settings: JoinSettings
    let partitionCount: Int
    var steps: [Step] = []

    init(seed: UInt64, settings: JoinSettings, partitionCount: Int, steps: [Step]) {
        self.seed = seed
        self.settings = settings
        self.partitionCount = partitionCount
        self.steps = steps
    }

    init(seed: UInt64, _ scale: Scale = .short) {
        if scale == .outage {
            self = OutageStream.stream(seed: seed)
            return
        }
        self.seed = seed
        var random = SplitMix64(seed: seed)
        settings = Self.settings(&random)
        if scale == .long { Self.enlarge(&settings) }
        partitionCount = Int.random(in: 1...4, using: &random)
        var generator = StepGenerator(scale, partitionCount: partitionCount, random: &random)
        for _ in 0..<Int.random(in: scale == .long ? 2000...2500 : 5...60, using: &random) {
            steps.append(generator.next(&random))
        }
        if scale == .guarded { OutageStream.addGuard(to: &settings, &random) }
    }

    private static func settings(_ random: inout SplitMix64) -> JoinSettings {
        JoinSettings(
            clickWindow: random.pick([0, 1, 5, 10, 20, 40]),
            conversionWindow: random.pick([0, 1, 3, 10, 30]),
            orphanWindow: random.pick([0, 1, 5, 20, 50, 100]),
            closedMemory: random.pick([0, 2, 20, 100, 1000]),
            ctrTiming: random.pick(LabelTiming.allCases),
            ctcvrTiming: random.pick(LabelTiming.allCases),
            openImpressionsMax: random.pick([1, 2, 3, 1000, 1000, 1000]),
            heldEventsMax: random.pick([1, 2, 3, 1000, 1000, 1000]),
            closedIDsMax: random.pick([0, 1, 2, 3, 1000, 1000, 1000, 1000])
        )
    }
}

extension RandomStream {
    private static func enlarge(_ settings: inout JoinSettings) {
        settings.clickWindow *= 100
        settings.conversionWindow *= 100
        settings.orphanWindow *= 50
        settings.closedMemory *= 100
        settings.openImpressionsMax *= 100
        settings.heldEventsMax *= 100
        settings.closedIDsMax *= 100
    }
}

/// Steps of one stream, by probabilities that differ from stream to stream.
private struct StepGenerator {
    let partitionCount: Int
    let impressionIDs: UInt64
    let clickIDs: UInt64
    let areHashed: Bool
    /// The share of events timed before the stream's present.
    let disorder: Double
    let longestStep: Int64
    var now: Int64

    init(_ scale: RandomStream.Scale, partitionCount: Int, random: inout SplitMix64) {
        self.partitionCount = partitionCount
        impressionIDs = random.pick([3, 4, 5]) * (scale == .long ? 200 : 1)
        clickIDs = random.pick([2, 3]) * (scale == .long ? 200 : 1)
        areHashed = scale == .long
        disorder = random.pick([0, 0.1, 0.4])
        longestStep = random.pick([1, 3, 10])
        now = random.pick([0, -20, 1_650_000_000_000])
    }

    mutating func next(_ random: inout SplitMix64) -> RandomStream.Step {
        if random.chance(0.3) == false { now += Int64.random(in: 0...longestStep, using: &random) }
        if random.chance(0.03) { now += Int64.random(in: 0...60, using: &random) }
        if random.chance(0.06) { return advance(&random) }
        if random.chance(0.04) {
            return .quarantine(
                partition: partition(&random),
                count: Int.random(in: 1...3, using: &random)
            )
        }
        let features = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            UInt32.random(in: 0...999, using: &random)
        }
        let event = event(&random)
        let text = Array("\(event.impressionID.low)#\(features.count)\(now)".utf8)
        return .event(event, features: features, text: text)
    }

    private mutating func advance(_ random: inout SplitMix64) -> RandomStream.Step {
        let time = now + Int64.random(in: -5...25, using: &random)
        if random.chance(0.5) { now = max(now, time) }
        return .advance(time)
    }

    private func event(_ random: inout SplitMix64) -> Event {
        let role: Role = random.pick([
            .impression, .impression, .impression, .click, .click, .conversion, .conversion,
        ])
        // All kinds of ids share their values: a table that mixed them up would show.
        let number = UInt64.random(in: 1...impressionIDs, using: &random)
        let usualClick = 1 + number % clickIDs
        let click =
            random.chance(0.7) ? usualClick : UInt64.random(in: 1...clickIDs, using: &random)
        var event = Event(
            role: role,
            partition: partition(&random),
            time: now,
            impressionID: id(number)
        )
        if random.chance(disorder) { event.time -= Int64.random(in: 1...15, using: &random) }
        switch role {
        case .impression:
            event.weight = random.pick([1, 1, 0.5, 2.25])
        case .click:
            if random.chance(0.75) { event.clickID = id(click) }
        case .conversion:
            let naming = random.pick([0, 0, 1, 1, 2])
            if naming > 0 { event.clickID = id(click) }
            if naming == 1 { event.impressionID = .none }
            let eventID = UInt64.random(in: 0...2, using: &random)
            event.conversionID = eventID == 0 ? .none : id(eventID)
        }
        return event
    }

    private func id(_ number: UInt64) -> EventID {
        areHashed ? EventID("\(number)") : EventID(high: 0, low: number)
    }

    private func partition(_ random: inout SplitMix64) -> Int32 {
        Int32.random(in: 0..<Int32(partitionCount), using: &random)
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) < probability * 0x1p53
    }
}

extension RandomStream: CustomStringConvertible {
    /// Everything needed to follow the stream by hand.
    var description: String {
        "seed \(seed), \(partitionCount) partitions\n\(settings)\n"
            + steps.map(Self.line).joined(separator: "\n")
    }

    private static func line(_ step: Step) -> String {
        switch step {
        case .advance(let time):
            return "  advance to \(time)"
        case .quarantine(let partition, let count):
            return "  quarantine \(count) of partition \(partition)"
        case .event(let event, _, _):
            var line = "  \(event.role) at \(event.time)"
            if !event.impressionID.isNone { line += ", impression_id \(event.impressionID.low)" }
            if !event.clickID.isNone { line += ", click_id \(event.clickID.low)" }
            if !event.conversionID.isNone { line += ", event_id \(event.conversionID.low)" }
            return line + ", partition \(event.partition)"
        }
    }
}
