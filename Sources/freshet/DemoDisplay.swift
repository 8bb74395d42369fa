import Events
import Foundation
import Learn
import Pipeline
import ServiceLifecycle

/// Shows a running demo: a block redrawn in place on a terminal, a plain line every five seconds
/// otherwise.
struct DemoDisplay: Service {
    let seconds: Int
    let servers: String
    let session: LearnerSession
    let figures: LiveFiguresBox
    let stream: DemoStream

    func run() async throws {
        let start = ContinuousClock.now
        let isTerminal = TerminalBlock.isAvailable
        let interval = isTerminal ? Duration.milliseconds(250) : .seconds(5)
        var block = TerminalBlock()
        var rate = EventRate()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try? await cancelWhenGracefulShutdown {
                try await Task.sleep(for: interval)
            }
            guard !Task.isShuttingDownGracefully, let now = figures.value else { continue }
            let moment = moment(now, elapsed: ContinuousClock.now - start, rate: &rate)
            if isTerminal {
                block.draw(moment.block)
            } else {
                writeNow(moment.line + "\n")
            }
        }
    }

    private func moment(
        _ now: LiveFigures,
        elapsed: Duration,
        rate: inout EventRate
    ) -> DemoMoment {
        let clock = clockMilliseconds()
        return DemoMoment(
            elapsed: elapsed,
            seconds: seconds,
            servers: servers,
            directory: session.directory,
            figures: now,
            eventsPerSecond: rate.update(consumed: now.consumed, at: elapsed),
            produced: stream.eventCount,
            best: stream.best(for: now.metrics),
            streamTimeAge: now.streamTime.map { clock - $0 },
            snapshot: session.newest.map { ($0.name, clock - $0.body.createdAt) }
        )
    }
}

/// Events per second over the last few seconds.
private struct EventRate {
    private var samples: [(time: Duration, consumed: Int)] = [(.zero, 0)]

    /// - Parameter time: Since the start.
    mutating func update(consumed: Int, at time: Duration) -> Double {
        while samples.count > 1, time - samples[0].time > .seconds(6) { samples.removeFirst() }
        samples.append((time, consumed))
        let first = samples[0]
        return Double(consumed - first.consumed) / max((time - first.time) / .seconds(1), 1e-3)
    }
}
