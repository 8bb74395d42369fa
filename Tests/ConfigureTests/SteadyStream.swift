import Configure
import Events
import Join
import StateCoding

/// A stream of a steady rate, joined until the join holds what it will hold from then on.
struct SteadyStream {
    var stream: ResourceEstimate.Stream
    /// Conversions per click.
    var cvr = 0.1
    /// Click delays are uniform up to this, conversion delays up to ten times this.
    var delay: Int64 = 1_000
    var lists = 0
    var otherFields = 5
    var seed: UInt64

    var schema: FeatureSchema {
        FeatureSchema(
            fields: (0..<otherFields).map {
                FeatureField(name: "f\($0)", kind: .categorical(rows: 100_000))
            }
                + (0..<lists).map {
                    FeatureField(name: "l\($0)", kind: .list(rows: 100_000, pooling: .mean))
                }
        )
    }

    /// Joins for twice as long as anything is remembered, and until all queues have gone round.
    func join(_ settings: JoinSettings) -> Joiner {
        var joiner = Joiner(settings: settings, partitionCount: 3)
        var random = Random(state: seed)
        var sink = Ignoring()
        // The end of each follower's wait, and what it is.
        var followers: [Int64: [Event]] = [:]
        let span =
            settings.clickWindow + settings.conversionWindow + settings.closedMemory + 20 * delay
        let count = max(Int(Double(2 * span) / 1_000 * stream.rate), 10_000)
        var time: Int64 = 0
        for number in 1...count {
            let next = Int64(Double(number) * 1_000 / stream.rate)
            while time < next {
                time += 1
                for event in followers.removeValue(forKey: time) ?? [] {
                    joiner.apply(event, features: Span(), text: Span(), sink: &sink)
                }
            }
            let id = EventID(high: random.next(), low: random.next())
            let (features, text) = contents(&random)
            joiner.apply(
                Event(role: .impression, time: time, impressionID: id),
                features: features.span,
                text: text.span,
                sink: &sink
            )
            guard random.uniform() < stream.ctr else { continue }
            let clickID = EventID(high: random.next(), low: random.next())
            let clickTime = time + 1 + Int64(random.uniform() * Double(delay))
            followers[clickTime, default: []].append(
                Event(
                    role: .click,
                    partition: 1,
                    time: clickTime,
                    impressionID: id,
                    clickID: clickID
                )
            )
            guard random.uniform() < cvr else { continue }
            let conversionTime = clickTime + 1 + Int64(random.uniform() * Double(10 * delay))
            followers[conversionTime, default: []].append(
                Event(
                    role: .conversion,
                    partition: 2,
                    time: conversionTime,
                    impressionID: .none,
                    clickID: clickID
                )
            )
        }
        return joiner
    }

    /// Lists and ids whose lengths are uniform around their mean.
    private func contents(_ random: inout Random) -> (features: [UInt32], text: [UInt8]) {
        var features: [UInt32] = []
        for _ in 0..<otherFields { features.append(UInt32(random.next() % 100_000)) }
        for _ in 0..<lists {
            let count = Int((random.uniform() * (2 * stream.listLength + 1)).rounded(.down))
            features.append(UInt32(count))
            for _ in 0..<count { features.append(UInt32(random.next() % 100_000)) }
        }
        let text = (0..<Int(stream.idTextBytes)).map { _ in UInt8(97 + random.next() % 26) }
        return (features, text)
    }
}

/// SplitMix64.
private struct Random {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

private struct Ignoring: JoinSink {
    mutating func arrive(_: Event, features _: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: 0, cvrLogit: 0)
    }
    mutating func score(_: Example) {}
    mutating func train(_: Example, features _: Span<UInt32>, text _: Span<UInt8>) {}
}
