import Events
import Join
import StateCoding
import Testing

/// A joiner under a dense random stream of every kind of event, of impressions from no words to
/// more than a page of the arena. Continued with the same seed, equal joiners stay equal.
struct BusyStream: Sendable {
    private(set) var joiner: Joiner
    private var sink = SummingSink()
    private var time: Int64 = 0
    private var next: UInt64 = 0
    /// Whether the joiner is told of events before they are applied, and of one that never comes.
    var announces = false
    /// Every so many impressions one is longer than a page.
    private let hugeEvery: UInt64

    init(_ settings: JoinSettings, hugeEvery: UInt64 = 5_000) {
        joiner = Joiner(settings: settings, partitionCount: 3)
        self.hugeEvery = hugeEvery
    }

    /// The canonical bytes of the state, and a sum over all that the sink was given.
    var outcome: Outcome {
        var writer = StateWriter()
        joiner.encode(to: &writer)
        return Outcome(bytes: writer.bytes, trained: sink.trained, sum: sink.sum)
    }

    struct Outcome: Equatable {
        var bytes: [UInt8]
        var trained: Int
        var sum: UInt64
    }

    mutating func restart() throws {
        let bytes = outcome.bytes
        var restarted = Joiner(settings: joiner.settings, partitionCount: 3)
        var reader = StateReader(bytes)
        try restarted.decode(from: &reader)
        try reader.finish()
        joiner = restarted
    }

    mutating func live(impressions count: Int, seed: UInt64) {
        for step in 0..<UInt64(count) {
            let random = Self.mix(seed &<< 40 ^ step)
            time += Int64(random % 3)
            next += 1
            openImpression(random)
            // Of an impression of the last few thousand, or of one that is yet to come.
            let recent = next &+ 20 &- random >> 8 % min(next, 4_000)
            if random >> 24 % 4 == 0 { click(recent, isNamed: random >> 30 % 2 == 0) }
            if random >> 32 % 8 == 0 { convert(recent, namesClick: random >> 40 % 2 == 0) }
        }
    }

    private mutating func openImpression(_ random: UInt64) {
        let words =
            next % hugeEvery == 0 ? 16_384 + Int(random >> 16 % 20_000) : Int(random >> 16 % 48)
        let features = [UInt32](repeating: UInt32(truncatingIfNeeded: random), count: words)
        let text = [UInt8](repeating: UInt8(words & 0xff), count: Int(random >> 48 % 30))
        let event = Event(
            role: .impression,
            time: time - Int64(random >> 52 % 4),
            impressionID: Self.id(next)
        )
        apply(event, features: features.span, text: text.span)
    }

    private mutating func click(_ number: UInt64, isNamed: Bool) {
        let event = Event(
            role: .click,
            partition: 1,
            time: time,
            impressionID: Self.id(number),
            clickID: isNamed ? Self.id(number | 1 << 50) : .none
        )
        apply(event, features: Span(), text: Span())
    }

    private mutating func convert(_ number: UInt64, namesClick: Bool) {
        let event = Event(
            role: .conversion,
            partition: 2,
            time: time,
            impressionID: namesClick ? .none : Self.id(number),
            clickID: namesClick ? Self.id(number | 1 << 50) : .none,
            conversionID: Self.id(number | 1 << 51)
        )
        apply(event, features: Span(), text: Span())
    }

    private mutating func apply(_ event: Event, features: Span<UInt32>, text: Span<UInt8>) {
        if announces {
            joiner.prefetch(event)
            joiner.prefetch(Event(role: .click, time: time, impressionID: Self.id(next &+ 1 << 40)))
        }
        joiner.apply(event, features: features, text: text, sink: &sink)
    }

    private static func id(_ number: UInt64) -> EventID {
        EventID(high: mix(number), low: number)
    }

    /// The finalizer of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// Sums what it is given; checks that features and text are those that were stored together.
private struct SummingSink: JoinSink {
    var sum: UInt64 = 0
    var trained = 0

    mutating func arrive(_: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        let count = features.count
        if count > 0 { features[count - 1] ^= 0xffff }
        return Prediction(ctrLogit: Float(count), cvrLogit: 0)
    }

    mutating func score(_ example: Example) {
        sum = sum &* 31 &+ UInt64(bitPattern: example.time)
    }

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        let count = features.count
        trained += 1
        #expect(Float(count) == example.prediction.ctrLogit)
        for index in text.indices where text[index] != UInt8(count & 0xff) {
            Issue.record("the text of another impression")
        }
        if count > 1 {
            let isWhole = features[0] == features[count / 2 - (count == 2 ? 1 : 0)]
            let isChanged = features[count - 1] == features[0] ^ 0xffff
            #expect(isWhole && isChanged)
        }
        sum = sum &* 31 &+ UInt64(count)
    }
}
