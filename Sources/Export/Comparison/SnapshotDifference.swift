internal import Configure
internal import Events
internal import Learn
public import Pipeline

/// What changed from one snapshot to another. Snapshots of different models may be compared; what has no
/// counterpart is named, and is no part of any norm.
public struct SnapshotDifference: Codable, Sendable {
    public var from: Side
    public var to: Side
    /// In the order of the later snapshot; those that only the earlier one has come last.
    public var positions: [PositionChange]
    public var figures: [FigureChange]
    /// Embeddings, experts, gates and towers.
    public var parts: [PartChange]
    /// The embedding of every field, those that moved most, relative to their norm, first.
    public var fields: [PartChange]
    /// Tensors that one side has not, or has in another shape.
    public var shapes: [ShapeChange]
    /// Keys of the configuration that differ.
    public var configuration: [ConfigurationChange]

    /// One of the snapshots.
    public struct Side: Codable, Sendable {
        public var model: String
        /// Milliseconds since the epoch.
        public var createdAt: Int64
        public var streamTime: Int64?
        public var consumed: RoleCounts

        enum CodingKeys: String, CodingKey {
            case model, consumed
            case createdAt = "created_at"
            case streamTime = "stream_time"
        }
    }

    public struct PositionChange: Codable, Equatable, Sendable {
        public var role: String
        public var name: String
        public var partition: Int32
        /// nil where the snapshot does not know the partition.
        public var from: Int64?
        public var to: Int64?
        public var difference: Int64?
    }

    /// A figure of a task; nil where it is not defined.
    public struct FigureChange: Codable, Equatable, Sendable {
        public var task: String
        public var figure: String
        public var from: Double?
        public var to: Double?
        public var difference: Double?
    }

    public struct ShapeChange: Codable, Equatable, Sendable {
        public var tensor: String
        /// nil where there is no such tensor.
        public var from: [Int]?
        public var to: [Int]?
    }

    public struct ConfigurationChange: Codable, Equatable, Sendable {
        public var key: String
        /// nil where the key is not set.
        public var from: String?
        public var to: String?
    }

    /// - Throws: `ExportError` if one contradicts itself.
    public init(from: ServingSnapshot, to: ServingSnapshot) throws(ExportError) {
        self.from = Side(from)
        self.to = Side(to)
        positions = Self.positions(from.body.positions, to.body.positions)
        figures = Self.figures(
            from.body.summary.metrics.figures,
            to.body.summary.metrics.figures
        )
        configuration = Self.configuration(from.body.configuration, to.body.configuration)
        let changes = try ParameterChanges(from: from, to: to)
        parts = changes.parts
        fields = changes.fields
        shapes = changes.shapes
    }
}

extension SnapshotDifference.Side {
    fileprivate init(_ snapshot: ServingSnapshot) {
        model = snapshot.modelID
        createdAt = snapshot.body.createdAt
        streamTime = snapshot.body.summary.streamTime
        consumed = snapshot.body.summary.consumed
    }
}

extension SnapshotDifference {
    private static func positions(
        _ from: [PartitionProgress],
        _ to: [PartitionProgress]
    ) -> [PositionChange] {
        let earlier = Dictionary(from.map { ($0.partition, $0.position) }) { $1 }
        let later = Dictionary(to.map { ($0.partition, $0.position) }) { $1 }
        let partitions =
            to.map(\.partition) + from.map(\.partition).filter { later[$0] == nil }
        return partitions.map { partition in
            let (from, to) = (earlier[partition], later[partition])
            return PositionChange(
                role: partition.role.plural,
                name: partition.name,
                partition: partition.number,
                from: from,
                to: to,
                difference: from.flatMap { from in to.map { $0 - from } }
            )
        }
    }

    private static func figures(
        _ from: TaskTable<TaskFigures>,
        _ to: TaskTable<TaskFigures>
    ) -> [FigureChange] {
        let tasks = [
            ("ctr", from.ctr, to.ctr), ("cvr", from.cvr, to.cvr), ("ctcvr", from.ctcvr, to.ctcvr),
        ]
        return tasks.flatMap { task, from, to in
            let figures: [(String, KeyPath<TaskFigures, Double?>)] = [
                ("auc", \.auc), ("log_loss", \.logLoss),
                ("normalized_entropy", \.normalizedEntropy), ("calibration", \.calibration),
            ]
            return figures.map { name, path in
                let (a, b) = (from[keyPath: path], to[keyPath: path])
                return FigureChange(
                    task: task,
                    figure: name,
                    from: a,
                    to: b,
                    difference: a.flatMap { a in b.map { $0 - a } }
                )
            } + [
                FigureChange(
                    task: task,
                    figure: "count",
                    from: Double(from.count),
                    to: Double(to.count),
                    difference: Double(to.count) - Double(from.count)
                )
            ]
        }
    }

    private static func configuration(
        _ from: [ConfigurationEntry],
        _ to: [ConfigurationEntry]
    ) -> [ConfigurationChange] {
        let earlier = Dictionary(from.map { ($0.key, $0.value) }) { $1 }
        let later = Dictionary(to.map { ($0.key, $0.value) }) { $1 }
        return Set(earlier.keys).union(later.keys).sorted()
            .filter { earlier[$0] != later[$0] }
            .map { ConfigurationChange(key: $0, from: earlier[$0], to: later[$0]) }
    }
}
