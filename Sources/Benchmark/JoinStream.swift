import Events
import Foundation

/// A made-up stream for the join, in the shape of the standard job: an impression has 20 words and a
/// list of 0 to 10, 26 in all on average, and an id text of 10 bytes. 5 % are clicked, after 5
/// seconds on average, and 10 % of these convert, after 20 more. Nothing comes twice.
///
/// It is made a chunk at a time, which a benchmark then applies: what making it costs is not timed.
struct JoinStream {
    /// The next events in the order of the stream, with the words and texts of all impressions.
    private(set) var events: [Event] = []
    private(set) var features: [Range<Int>] = []
    private(set) var texts: [Range<Int>] = []
    private(set) var words: [UInt32] = []
    private(set) var text: [UInt8] = []

    private let impressionsPerSecond: Double
    private var impressionCount = 0
    /// Clicks and conversions that come later.
    private var coming: [Event] = []
    private var due: [Event] = []
    private var random: UInt64

    init(impressionsPerSecond: Double, seed: UInt64) {
        self.impressionsPerSecond = impressionsPerSecond
        random = seed
    }

    /// Replaces the chunk by the next one, of so many impressions and the clicks and conversions of
    /// their time.
    mutating func advance(impressions count: Int) {
        events.removeAll(keepingCapacity: true)
        features.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        due.removeAll(keepingCapacity: true)
        let end = time(of: impressionCount + count)
        for number in impressionCount..<impressionCount + count { addImpression(number) }
        impressionCount += count
        due += coming.lazy.filter { $0.time < end }
        coming.removeAll { $0.time < end }
        due.sort { ($0.time, $0.role.rawValue) < ($1.time, $1.role.rawValue) }
        for event in due {
            events.append(event)
            features.append(0..<0)
            texts.append(0..<0)
            if event.role != .impression { continue }
            let start = words.count
            for _ in 0..<20 { words.append(UInt32(truncatingIfNeeded: draw())) }
            let listCount = Int(draw() % 11)
            words.append(UInt32(listCount))
            for _ in 0..<listCount { words.append(UInt32(truncatingIfNeeded: draw())) }
            features[features.count - 1] = start..<words.count
            texts[texts.count - 1] = text.count..<text.count + 10
            text.append(contentsOf: repeatElement(UInt8(ascii: "7"), count: 10))
        }
    }

    private mutating func addImpression(_ number: Int) {
        let time = time(of: number)
        let id = EventID(high: mix(UInt64(number)), low: mix(~UInt64(number)))
        due.append(Event(role: .impression, time: time, impressionID: id))
        if draw() % 20 != 0 { return }
        let clickTime = time + 1 + delay(mean: 5_000)
        let clickID = EventID(high: id.low, low: id.high)
        coming.append(
            Event(role: .click, time: clickTime, impressionID: id, clickID: clickID)
        )
        if draw() % 10 != 0 { return }
        coming.append(
            Event(
                role: .conversion,
                time: clickTime + 1 + delay(mean: 20_000),
                impressionID: id,
                clickID: clickID,
                conversionID: EventID(high: ~id.low, low: id.high)
            )
        )
    }

    /// Milliseconds.
    private func time(of number: Int) -> Int64 {
        Int64(Double(number) * 1000 / impressionsPerSecond)
    }

    private mutating func delay(mean: Double) -> Int64 {
        Int64(-mean * log(Double(draw() >> 11 + 1) * 0x1p-53))
    }

    private mutating func draw() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        return mix(random)
    }

    /// The finalizer of SplitMix64: a bijection that spreads every bit.
    private func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
