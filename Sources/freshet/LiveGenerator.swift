import Foundation
import Generate
import Kafka
import Synchronization
import UnixSignals

/// A generated stream that happens now: event times begin at the clock, and every event is sent
/// when its time comes, delayed clicks and conversions too.
struct LiveGenerator: ~Copyable {
    private(set) var feed: StreamFeed<KafkaEventSink>

    /// - Parameter settings: their `start` is replaced by the clock, which the ids then begin with,
    ///   so that a second stream to the same topics has ids of its own.
    init(
        settings: GeneratorSettings,
        kafka: KafkaSettings,
        topics: [String]
    ) throws {
        let sink = try KafkaEventSink(settings: kafka, topics: topics)
        var settings = settings
        // Making the truth takes a moment, which must not be behind the clock at once.
        settings.start = Self.clockMilliseconds() + 500
        settings.idPrefix += "-\(settings.start)"
        feed = StreamFeed(try StreamGenerator(settings), to: sink)
    }

    /// What has been sent so far, and the best possible figures of it.
    var report: PlantedReport { PlantedReport(feed) }

    /// Sends until the stream ends or `shouldStop`, which is asked many times a second, as is
    /// `observe`. Blocks: it wants a thread of its own.
    mutating func run(
        until shouldStop: () -> Bool,
        observe: (borrowing StreamFeed<KafkaEventSink>) -> Void = { _ in }
    ) throws {
        while !shouldStop(), let nextTime = feed.nextTime {
            let now = Self.clockMilliseconds()
            try feed.send(through: now)
            observe(feed)
            let wait = min(max(nextTime - now, 1), 20)
            Thread.sleep(forTimeInterval: Double(wait) / 1_000)
        }
        try feed.sink.flush()
    }

    /// Runs on a thread of its own until the stream ends or SIGINT or SIGTERM comes.
    static func run(
        settings: GeneratorSettings,
        kafka: KafkaSettings,
        topics: [String]
    ) async throws -> PlantedReport {
        let stop = StopSign()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watcher = Task {
            for await _ in signals { stop.raise() }
        }
        defer { watcher.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        var live = try LiveGenerator(
                            settings: settings,
                            kafka: kafka,
                            topics: topics
                        )
                        try live.run(until: { stop.isRaised })
                        return live.report
                    }
                )
            }
        }
    }

    private static func clockMilliseconds() -> Int64 {
        Int64(Date().timeIntervalSince1970 * 1_000)
    }
}

/// Tells a thread to stop.
final class StopSign: Sendable {
    private let flag = Atomic<Bool>(false)

    func raise() { flag.store(true, ordering: .relaxed) }

    var isRaised: Bool { flag.load(ordering: .relaxed) }
}
