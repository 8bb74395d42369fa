import ArgumentParser
import Events
import Foundation
import Join

/// The join alone, in steady state: what comes equals what closes, and as many closed ids are
/// remembered as impressions are open.
struct JoinBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "CPU time per event and memory of the join, by the number of open impressions."
    )

    @Option(help: "Impressions that are open at once.")
    var open = 1_000_000

    @Option(help: "Events of one repetition.")
    var events = 500_000

    @Option(help: "Repetitions; the median and the best are printed.")
    var repetitions = 5

    @Option(help: "Of the stream.")
    var seed: UInt64 = 1

    @OptionGroup var reference: ReferenceOptions

    @Flag(help: "Read every word that is trained, as a learner would.")
    var reading = false

    func validate() throws {
        guard open >= 1000, events >= 1000, repetitions >= 1 else {
            throw ValidationError("--open and --events from 1000, --repetitions from 1")
        }
    }

    func run() throws {
        if reading {
            try measure(ReadingSink())
        } else {
            try measure(IdleSink())
        }
    }

    private func measure<Sink: JoinSink>(_ sink: Sink) throws {
        var figures = Figures()
        var bench = JoinBench(open: open, seed: seed, sink: sink)
        bench.fill(seconds: 59)
        let openCount = bench.joiner.openImpressionCount
        let bytes = bench.joiner.memoryBytes - bench.wordBytes
        figures["bytes_per_open_impression"] = Double(bytes) / Double(openCount)
        figures["word_bytes_per_open_impression"] =
            Double(bench.wordBytes) / Double(openCount)
        // Until closed ids are forgotten, and the queues have come round.
        bench.fill(seconds: 75)

        var reference = try reference.makeReference()
        var times: [Double] = []
        for _ in 0..<repetitions {
            times.append(bench.secondsPerEvent(count: events, beside: &reference))
        }
        times.sort()
        figures["scalar_examples_per_second"] = reference?.examplesPerSecond
        figures["open_impressions"] = Double(bench.joiner.openImpressionCount)
        figures["closed_ids"] = Double(bench.joiner.closedIDCount)
        figures["memory_bytes"] = Double(bench.joiner.memoryBytes)
        figures["nanoseconds_per_event"] = times[times.count / 2] * 1e9
        figures["nanoseconds_per_event_best"] = times[0] * 1e9

        let pauses = (0..<repetitions).map { _ in bench.pauses(events: 20_000) }
        figures["snapshot_pause_microseconds"] = median(pauses.map(\.copy)) * 1e6
        figures["worst_event_after_snapshot_microseconds"] = median(pauses.map(\.worst)) * 1e6
        try figures.print()
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// A joiner under way in a stream.
private struct JoinBench<Sink: JoinSink> {
    private(set) var joiner: Joiner
    private var stream: JoinStream
    private var sink: Sink
    private let impressionsPerSecond: Double
    /// Of the impressions applied so far: their features, and their texts.
    private(set) var wordBytes = 0
    /// CPU seconds of all repetitions so far.
    private var timedSeconds = 0.0

    /// Few enough that the decoder's part of the stream would lie in the cache, too.
    private static var chunk: Int { 2000 }
    /// So many that what a turn of the reference leaves in the cache is soon out of it.
    private static var chunksPerTurn: Int { 20 }

    init(open: Int, seed: UInt64, sink: Sink) {
        let settings = JoinSettings(
            clickWindow: 60_000,
            conversionWindow: 60_000,
            orphanWindow: 60_000,
            closedMemory: 60_000,
            openImpressionsMax: open * 2,
            closedIDsMax: open * 2
        )
        joiner = Joiner(settings: settings, partitionCount: 1)
        // Clicked ones are open a little longer than the click window.
        impressionsPerSecond = Double(open) / 60.25
        stream = JoinStream(impressionsPerSecond: impressionsPerSecond, seed: seed)
        self.sink = sink
    }

    /// Applies so much of the stream, untimed.
    mutating func fill(seconds: Double) {
        var left = Int(seconds * impressionsPerSecond)
        while left > 0 {
            stream.advance(impressions: min(left, Self.chunk))
            left -= Self.chunk
            wordBytes += stream.words.count * 4 + stream.text.count
            applyChunk()
        }
    }

    /// CPU seconds per event, over at least so many, in turns with the reference.
    mutating func secondsPerEvent(count: Int, beside reference: inout ScalarReference?) -> Double {
        var events = 0
        var total = 0.0
        while events < count {
            var turn = 0.0
            for _ in 0..<Self.chunksPerTurn {
                stream.advance(impressions: Self.chunk)
                let start = cpuSeconds()
                applyChunk()
                turn += cpuSeconds() - start
                events += stream.events.count
            }
            total += turn
            timedSeconds += turn
            reference?.catchUp(to: timedSeconds)
        }
        return total / Double(events)
    }

    /// CPU seconds to take a snapshot, and of the slowest event while it is there.
    mutating func pauses(events: Int) -> (copy: Double, worst: Double) {
        var start = cpuSeconds()
        let snapshot = joiner
        let copy = cpuSeconds() - start
        var worst = 0.0
        var left = events
        while left > 0 {
            stream.advance(impressions: Self.chunk)
            left -= stream.events.count
            for index in stream.events.indices {
                start = cpuSeconds()
                apply(index)
                worst = max(worst, cpuSeconds() - start)
            }
        }
        withExtendedLifetime(snapshot) {}
        return (copy, worst)
    }

    private mutating func applyChunk() {
        for index in stream.events.indices { apply(index) }
    }

    @inline(__always)
    private mutating func apply(_ index: Int) {
        Self.apply(index, of: stream, to: &joiner, sink: &sink)
    }

    @inline(__always)
    private static func apply(
        _ index: Int,
        of stream: JoinStream,
        to joiner: inout Joiner,
        sink: inout Sink
    ) {
        // In a pipeline, where an event takes longer, the next one is as far ahead in time.
        let ahead = index + 4
        if ahead < stream.events.count { joiner.prefetch(stream.events[ahead]) }
        joiner.apply(
            stream.events[index],
            features: stream.words.span.extracting(stream.features[index]),
            text: stream.text.span.extracting(stream.texts[index]),
            sink: &sink
        )
    }
}

/// No learner at all.
private struct IdleSink: JoinSink {
    mutating func arrive(_ impression: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: -3, cvrLogit: -2)
    }

    mutating func score(_ example: Example) {}

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {}
}

private struct ReadingSink: JoinSink {
    private var sum: UInt32 = 0

    mutating func arrive(_ impression: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: -3, cvrLogit: -2)
    }

    mutating func score(_ example: Example) {}

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        for index in features.indices { sum &+= features[index] }
    }
}

/// Of this thread.
private func cpuSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
