import Events
import Foundation
import Join
import StateCoding
import Testing

/// `Joiner` against `ReferenceJoiner`, call by call and count by count, on random streams.
/// FRESHET_JOIN_STREAMS sets how many, FRESHET_JOIN_SEED the first seed.
@Suite("Joiner: random streams")
struct RandomStreamTests {
    @Test(
        "every random stream joins as the reference joins it",
        arguments: [.short, .guarded, .outage] as [RandomStream.Scale]
    )
    func agreesWithReference(scale: RandomStream.Scale) {
        var failures = 0
        for seed in seeds(atLeast: 10_000) {
            let stream = RandomStream(seed: seed, scale)
            guard difference(in: stream) != nil else { continue }
            let shrunk = shrink(stream)
            Issue.record("\(difference(in: shrunk) ?? "")\n\(shrunk)")
            failures += 1
            if failures == 3 { return }
        }
    }

    @Test("long random streams join as the reference joins them")
    func agreesWithReferenceForLong() {
        for seed in seeds(atLeast: 10_000).prefix(10) {
            let found = difference(in: RandomStream(seed: seed, .long))
            #expect(found == nil, "seed \(seed)")
        }
    }

    @Test("the random streams reach every place, every label under every timing, every rule")
    func reachesEveryRule() {
        var places: [Place: Int] = [:]
        var labels: [String: Int] = [:]
        var situations: [Situation: Int] = [:]
        for stream in everyKind(atLeast: 10_000) {
            var joiner = ReferenceJoiner(
                settings: stream.settings,
                partitionCount: stream.partitionCount
            )
            var sink = RecordingSink()
            for step in stream.steps { joiner.take(step, &sink) }
            for consumed in joiner.consumed { places[consumed.place, default: 0] += 1 }
            places[.quarantined, default: 0] += joiner.quarantines.count
            for case .train(let example, _, _) in sink.calls {
                let timing = "\(stream.settings.ctrTiming), \(stream.settings.ctcvrTiming)"
                labels["\(example.labels) under \(timing)", default: 0] += 1
            }
            situations.merge(joiner.situations, uniquingKeysWith: +)
        }
        for place in Place.allCases { #expect(places[place, default: 0] >= 50, "\(place)") }
        #expect(labels.count == 20, "\(labels.keys)")
        for (label, count) in labels { #expect(count >= 50, "\(label)") }
        for situation in Situation.allCases {
            #expect(situations[situation, default: 0] >= 50, "\(situation)")
        }
    }

    @Test("a joiner restored in the middle of a stream goes on as the saved one")
    func restoredGoesOnAsSaved() throws {
        for stream in everyKind(atLeast: 2_000, outageEvery: 4) {
            let seed = stream.seed
            var random = SplitMix64(seed: ~seed)
            let middle = Int.random(in: 0...stream.steps.count, using: &random)
            var joiner = Joiner(settings: stream.settings, partitionCount: stream.partitionCount)
            var sink = RecordingSink()
            for step in stream.steps[..<middle] { joiner.take(step, &sink) }
            sink.forgetCalls()

            let saved = encoded(joiner)
            var restored = try decoded(saved, for: stream)
            #expect(encoded(restored) == saved, "seed \(seed)")
            let copy = joiner
            var restoredSink = RecordingSink()
            for step in stream.steps[middle...] {
                joiner.take(step, &sink)
                restored.take(step, &restoredSink)
            }
            #expect(restoredSink.calls == sink.calls, "seed \(seed)")
            #expect(encoded(restored) == encoded(joiner), "seed \(seed)")
            #expect(encoded(copy) == saved, "a copy changed with the original, seed \(seed)")
        }
    }

    @Test("an advance to no later than the next event changes nothing")
    func advancesInBetweenChangeNothing() {
        for stream in everyKind(atLeast: 2_000, outageEvery: 4) {
            let seed = stream.seed
            var random = SplitMix64(seed: ~seed)
            var joiner = Joiner(settings: stream.settings, partitionCount: stream.partitionCount)
            var advanced = joiner
            var sink = RecordingSink()
            var advancedSink = RecordingSink()
            for step in stream.steps {
                if case .event(let event, _, _) = step {
                    let latest = max(event.time, joiner.streamTime)
                    let time = latest - Int64.random(in: 0...9, using: &random)
                    advanced.advance(to: time, sink: &advancedSink)
                }
                joiner.take(step, &sink)
                advanced.take(step, &advancedSink)
            }
            #expect(advancedSink.calls == sink.calls, "seed \(seed)")
            #expect(encoded(advanced) == encoded(joiner), "seed \(seed)")
        }
    }

    @Test("a joiner saved and restored after every step ends as the uninterrupted one")
    func restoredAtEveryStep() throws {
        for stream in everyKind(atLeast: 2_000, outageEvery: 4) {
            let seed = stream.seed
            var joiner = Joiner(settings: stream.settings, partitionCount: stream.partitionCount)
            var restarted = joiner
            var sink = RecordingSink()
            var restartedSink = RecordingSink()
            for step in stream.steps {
                joiner.take(step, &sink)
                restarted = try decoded(encoded(restarted), for: stream)
                restarted.take(step, &restartedSink)
            }
            #expect(restartedSink.calls == sink.calls, "seed \(seed)")
            #expect(encoded(restarted) == encoded(joiner), "seed \(seed)")
        }
    }
}

private func seeds(atLeast count: Int) -> Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["FRESHET_JOIN_SEED"].flatMap(UInt64.init) ?? 0
    let wanted = environment["FRESHET_JOIN_STREAMS"].flatMap(UInt64.init) ?? 0
    return first..<first + max(UInt64(count), wanted)
}

/// Short streams, and after every so many one with outages.
private func everyKind(
    atLeast count: Int,
    outageEvery interval: UInt64 = 1
) -> some Sequence<RandomStream> {
    seeds(atLeast: count).lazy.flatMap { seed in
        seed % interval == 0
            ? [RandomStream(seed: seed), RandomStream(seed: seed, .outage)]
            : [RandomStream(seed: seed)]
    }
}

/// The first thing in which the two joiners differ on the stream; nil: they agree to the end.
private func difference(in stream: RandomStream) -> String? {
    var joiner = Joiner(settings: stream.settings, partitionCount: stream.partitionCount)
    var reference = ReferenceJoiner(
        settings: stream.settings,
        partitionCount: stream.partitionCount
    )
    for (number, step) in stream.steps.enumerated() {
        var sink = RecordingSink()
        var referenceSink = RecordingSink()
        joiner.take(step, &sink)
        reference.take(step, &referenceSink)
        func differs<Value: Equatable>(_ what: String, _ ours: Value, _ right: Value) -> String? {
            ours == right ? nil : "after step \(number): \(what) \(ours), by the reference \(right)"
        }
        let found =
            differs("calls", sink.calls, referenceSink.calls)
            ?? differs("balanced", joiner.ledger.isBalanced, true)
            ?? differs("stream time", joiner.streamTime, reference.streamTime)
            ?? differs("closed through", joiner.closedThrough, reference.closedThrough)
            ?? differs("silent", joiner.silence.isSilent, reference.isSilent)
            ?? differs("open impressions", joiner.openImpressionCount, reference.open.count)
            ?? differs("held events", joiner.heldEventCount, reference.held.count)
            ?? differs("closed ids", joiner.closedIDCount, reference.closed.count)
        if let found { return found }
        guard reference.isCounted(reference.clickDelays, by: joiner.delays.clicks),
            reference.isCounted(reference.conversionDelays, by: joiner.delays.conversions)
        else { return "after step \(number): delays" }
        // The recount takes long on long streams.
        if number < 100 || number % 100 == 0 || number == stream.steps.count - 1,
            let found = differs("ledger", joiner.ledger, reference.ledger)
        {
            return found
        }
    }
    return nil
}

/// Removes steps for as long as the joiners still differ on what is left.
private func shrink(_ stream: RandomStream) -> RandomStream {
    var smallest = stream
    var position = 0
    while position < smallest.steps.count {
        var smaller = smallest
        smaller.steps.remove(at: position)
        if difference(in: smaller) != nil {
            smallest = smaller
            position = 0
        } else {
            position += 1
        }
    }
    return smallest
}

private func encoded(_ joiner: Joiner) -> [UInt8] {
    var writer = StateWriter()
    joiner.encode(to: &writer)
    return writer.bytes
}

private func decoded(_ bytes: [UInt8], for stream: RandomStream) throws -> Joiner {
    var joiner = Joiner(settings: stream.settings, partitionCount: stream.partitionCount)
    var reader = StateReader(bytes)
    try joiner.decode(from: &reader)
    try reader.finish()
    return joiner
}

extension Joiner {
    fileprivate mutating func take(_ step: RandomStream.Step, _ sink: inout RecordingSink) {
        switch step {
        case .event(let event, let features, let text):
            apply(event, features: features.span, text: text.span, sink: &sink)
        case .advance(let time):
            advance(to: time, sink: &sink)
        case .quarantine(let partition, let count):
            quarantine(partition: partition, count: count)
        }
    }
}

extension ReferenceJoiner {
    fileprivate mutating func take(_ step: RandomStream.Step, _ sink: inout RecordingSink) {
        switch step {
        case .event(let event, let features, let text):
            apply(event, features: features, text: text, sink: &sink)
        case .advance(let time):
            advance(to: time, sink: &sink)
        case .quarantine(let partition, let count):
            quarantine(partition: partition, count: count)
        }
    }
}
