public import Events
public import Learn

/// Everything that a report shows, as plain values.
public struct ReportContent: Sendable {
    /// What the records were read from, for the title.
    public var source: String
    public var programVersion: String
    public var kernelPath: String
    /// When the report was made, milliseconds since the epoch.
    public var createdAt: Int64
    /// Whether the records' end was reached.
    public var isComplete: Bool
    /// The configurations that went over the records; the first is the one that the others are
    /// compared with.
    public var runs: [ReportRun]
    public var comparisons: [PairedComparison]
    /// What limits the comparisons beyond what every comparison is limited by, in sentences.
    public var remarks: [String]

    public init(
        source: String,
        programVersion: String,
        kernelPath: String,
        createdAt: Int64,
        isComplete: Bool,
        runs: [ReportRun],
        comparisons: [PairedComparison] = [],
        remarks: [String] = []
    ) {
        precondition(!runs.isEmpty, "a report of nothing")
        self.source = source
        self.programVersion = programVersion
        self.kernelPath = kernelPath
        self.createdAt = createdAt
        self.isComplete = isComplete
        self.runs = runs
        self.comparisons = comparisons
        self.remarks = remarks
    }
}

/// What one configuration made of the records, cumulative over its state.
public struct ReportRun: Sendable {
    /// How the configuration is labelled.
    public var name: String
    public var snapshot: String
    public var stateDigest: String
    /// Milliseconds since the epoch; nil before anything was applied.
    public var streamTime: Int64?
    public var books: [PartitionBooks]
    public var trainedCTR: Int
    public var trainedCTCVR: Int
    public var skippedUpdates: Int
    public var disordered: Int
    /// Kinds of events that have fallen silent, so that windows are held.
    public var silences: [SilentEvents]
    public var metrics: MetricsReport
    /// Mature cohorts, ascending.
    public var series: [CohortSummary]
    /// Cohorts with open windows, ascending.
    public var immatureSeries: [CohortSummary]
    /// Of the same impressions as `metrics.figures`.
    public var reliability: TaskTable<[ReliabilityGroup]>
    public var delays: [DelayDistribution]
    /// Dotted keys with their values, in the configuration's order; no secrets.
    public var configuration: [(key: String, value: String)]

    public init(
        name: String,
        snapshot: String,
        stateDigest: String,
        streamTime: Int64?,
        books: [PartitionBooks],
        trainedCTR: Int,
        trainedCTCVR: Int,
        skippedUpdates: Int,
        disordered: Int,
        silences: [SilentEvents],
        metrics: MetricsReport,
        series: [CohortSummary],
        immatureSeries: [CohortSummary],
        reliability: TaskTable<[ReliabilityGroup]>,
        delays: [DelayDistribution],
        configuration: [(key: String, value: String)]
    ) {
        self.name = name
        self.snapshot = snapshot
        self.stateDigest = stateDigest
        self.streamTime = streamTime
        self.books = books
        self.trainedCTR = trainedCTR
        self.trainedCTCVR = trainedCTCVR
        self.skippedUpdates = skippedUpdates
        self.disordered = disordered
        self.silences = silences
        self.metrics = metrics
        self.series = series
        self.immatureSeries = immatureSeries
        self.reliability = reliability
        self.delays = delays
        self.configuration = configuration
    }
}

/// Clicks per impression, or conversions per click, that have fallen far below what they were.
public struct SilentEvents: Sendable {
    public var role: Role
    /// Stream time, milliseconds since the epoch.
    public var since: Int64
    /// Now, if there was anything to refer to, and before.
    public var rate: Double?
    public var trailingRate: Double

    public init(role: Role, since: Int64, rate: Double?, trailingRate: Double) {
        self.role = role
        self.since = since
        self.rate = rate
        self.trailingRate = trailingRate
    }
}

/// The law's books of one partition.
public struct PartitionBooks: Sendable {
    public var partition: Partition
    public var consumed: Int
    /// By `Place.rawValue`.
    public var counts: [Int]

    public init(partition: Partition, consumed: Int, counts: [Int]) {
        precondition(counts.count == Place.allCases.count)
        self.partition = partition
        self.consumed = consumed
        self.counts = counts
    }
}

/// How long after what they refer to events of one role came.
public struct DelayDistribution: Sendable {
    public struct Bucket: Equatable, Sendable {
        /// Milliseconds: delays from `lower` up to but without `upper`.
        public var lower: Int64
        public var upper: Int64
        /// Events that came within the window, and after it.
        public var within: Int
        public var late: Int

        var count: Int { within + late }

        public init(lower: Int64, upper: Int64, within: Int, late: Int) {
            self.lower = lower
            self.upper = upper
            self.within = within
            self.late = late
        }
    }

    /// Clicks after their impression, or conversions after their click.
    public var role: Role
    /// Ascending; empty ones may be left out.
    public var buckets: [Bucket]
    /// How long a delay still counts, milliseconds.
    public var window: Int64

    var within: Int { buckets.reduce(0) { $0 + $1.within } }
    var late: Int { buckets.reduce(0) { $0 + $1.late } }

    public init(role: Role, buckets: [Bucket], window: Int64) {
        self.role = role
        self.buckets = buckets
        self.window = window
    }
}
