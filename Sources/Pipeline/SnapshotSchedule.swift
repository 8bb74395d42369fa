public import Snapshot

/// A point of the stream at which a turn of the pipeline stops, so that snapshots come exactly there.
public struct StopPoint: Equatable, Sendable {
    /// When this many events have been consumed in total.
    public var consumed: Int
    /// When stream time has reached this.
    public var streamTime: Int64

    public init(consumed: Int = .max, streamTime: Int64 = .max) {
        self.consumed = consumed
        self.streamTime = streamTime
    }
}

/// When snapshots are due, in whichever measure the settings chose.
public struct SnapshotSchedule: Sendable {
    private let every: SnapshotSettings.Schedule
    /// In a live run durations are of the clock, in a replay of stream time.
    private let isLive: Bool
    private var lastClock: Int64
    private var lastConsumed: Int
    private var lastStreamTime: Int64

    public init(
        _ every: SnapshotSettings.Schedule,
        isLive: Bool,
        clock: Int64,
        consumed: Int,
        streamTime: Int64
    ) {
        self.every = every
        self.isLive = isLive
        lastClock = clock
        lastConsumed = consumed
        lastStreamTime = streamTime
    }

    /// Where the pipeline has to stop for the next snapshot.
    public var next: StopPoint {
        switch every {
        case .events(let count):
            StopPoint(consumed: (lastConsumed / count + 1) * count)
        case .duration(let duration):
            isLive || lastStreamTime == .min
                ? StopPoint() : StopPoint(streamTime: (lastStreamTime / duration + 1) * duration)
        }
    }

    /// Whether a snapshot is due; if so, the next one is counted from here.
    public mutating func isDue(clock: Int64, consumed: Int, streamTime: Int64) -> Bool {
        if lastStreamTime == .min { lastStreamTime = streamTime }
        let isDue =
            switch every {
            case .duration(let duration) where isLive: clock - lastClock >= duration
            default: consumed >= next.consumed || streamTime >= next.streamTime
            }
        if isDue {
            lastClock = clock
            lastConsumed = consumed
            lastStreamTime = streamTime
        }
        return isDue
    }
}
