import Events
import Learn
import Pipeline
import Source
import Synchronization

/// What a running daemon shows of itself: a value, made on the learning thread now and then.
struct LiveFigures: Sendable {
    var consumed: Int
    var ledger: Ledger
    var roles: [Role]
    var openImpressions: Int
    var heldEvents: Int
    /// Milliseconds; nil before the first event.
    var streamTime: Int64?
    var metrics: MetricsReport
    var skippedUpdates: Int
    var silence: SilenceReport

    /// The count of one place for one kind of event.
    func count(_ place: Place, _ role: Role) -> Int {
        roles.indices.filter { roles[$0] == role }
            .reduce(0) { $0 + ledger.count(place, partition: $1) }
    }
}

/// Hands the newest figures from the learning thread to whoever shows them.
final class LiveFiguresBox: Sendable {
    private let newest = Mutex<LiveFigures?>(nil)

    var value: LiveFigures? { newest.withLock { $0 } }

    func publish(_ figures: LiveFigures) { newest.withLock { $0 = figures } }
}

/// Publishes figures at a steady pace: making them costs more than a record.
struct LiveFiguresPublisher {
    let box: LiveFiguresBox
    let interval: Duration
    private var last: ContinuousClock.Instant?

    init(box: LiveFiguresBox, interval: Duration = .milliseconds(250)) {
        self.box = box
        self.interval = interval
    }

    mutating func observe<Source: RecordSource & ~Copyable>(_ pipeline: borrowing Pipeline<Source>)
    {
        let now = ContinuousClock.now
        if let last, now - last < interval { return }
        last = now
        box.publish(pipeline.liveFigures)
    }
}

extension Pipeline where Source: ~Copyable {
    fileprivate var liveFigures: LiveFigures {
        LiveFigures(
            consumed: consumed,
            ledger: ledger,
            roles: partitions.map(\.role),
            openImpressions: openImpressionCount,
            heldEvents: heldEventCount,
            streamTime: streamTime == .min ? nil : streamTime,
            metrics: metrics,
            skippedUpdates: skippedUpdates,
            silence: silence
        )
    }
}
