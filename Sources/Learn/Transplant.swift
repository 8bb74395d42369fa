public import Events
public import StateCoding

/// How what one model has learnt goes over to a model of another configuration.
///
/// A field is the same if its values are hashed under the same seed, whatever it is called and
/// wherever it stands. Its table (or its moments) and its columns of the trunk's first layers go over
/// as they are. Of a field that is new the columns are 0, so that no prediction changes by it.
public struct Transplant: Sendable {
    /// What becomes of a field.
    public enum Fate: Equatable, Sendable {
        case kept
        /// The source calls it so.
        case renamed(from: String)
        /// The source does not know it.
        case new
        /// The source has it in a way that cannot be gone on with: it starts fresh.
        case reset(reason: String)
    }

    public struct Field: Equatable, Sendable {
        public let name: String
        public let fate: Fate
        /// The source's field, by its place there, whose numbers go over.
        let source: Int?
    }

    /// What becomes of what the optimizer keeps of each parameter.
    public enum StateFate: Equatable, Sendable {
        /// Goes over, or there is nothing to go over.
        case kept
        /// Starts at the settings' `warmAccumulator`, since the source has none of this method.
        case warm
    }

    public let source: LearnedModel
    public let schema: FeatureSchema
    public let settings: LearnSettings
    /// The target's fields, in their order.
    public let fields: [Field]
    /// The names of the source's fields that the target does not have.
    public let dropped: [String]
    /// The key whose other value lets experts, gates and towers start fresh; nil if they go over.
    public let denseResetKey: String?
    public let state: StateFate

    /// Whether the outputs mean other probabilities than in the source.
    public var changesLoss: Bool { source.settings.loss != settings.loss }

    /// Whether the source has a linear part and the target has none.
    public var dropsWide: Bool { source.settings.network.wide && !settings.network.wide }

    /// Whether the target has a linear part and the source has none: it starts at 0.
    public var addsWide: Bool { settings.network.wide && !source.settings.network.wide }

    /// Whether the target predicts what the source does, but for rounding.
    public var keepsPredictions: Bool {
        dropped.isEmpty && denseResetKey == nil && !changesLoss && !dropsWide
            && fields.allSatisfy { if case .reset = $0.fate { false } else { true } }
    }

    /// - Throws: `StateError` if the source has no field of the target that can go over.
    public init(
        of source: LearnedModel,
        to schema: FeatureSchema,
        settings: LearnSettings
    ) throws(StateError) {
        let dimensions = (source.settings.network, settings.network)
        fields = schema.fields.map { field in
            guard let index = source.schema.fields.firstIndex(where: { $0.seed == field.seed })
            else { return Field(name: field.name, fate: .new, source: nil) }
            let old = source.schema.fields[index]
            if let reason = field.flaw(asSuccessorOf: old, dimensions) {
                return Field(name: field.name, fate: .reset(reason: reason), source: nil)
            }
            let fate = old.name == field.name ? Fate.kept : .renamed(from: old.name)
            return Field(name: field.name, fate: fate, source: index)
        }
        guard fields.contains(where: { $0.source != nil }) else {
            throw StateError("no feature of the model can go over: it has nothing in common")
        }
        let seeds = Set(schema.fields.map(\.seed))
        dropped = source.schema.fields.filter { !seeds.contains($0.seed) }.map(\.name)
        denseResetKey = source.settings.network.firstDenseDifference(to: settings.network)
        let isSameMethod =
            source.settings.optimizer.method.stateNames == settings.optimizer.method.stateNames
        let needsNone = settings.optimizer.method.stateNames.isEmpty
        state = needsNone || (isSameMethod && source.hasOptimizerState) ? .kept : .warm
        self.source = source
        self.schema = schema
        self.settings = settings
    }

    /// The moments of the fields that go over.
    var statistics: NumericStatistics {
        let oldRanks = source.schema.numericRanks
        var statistics = NumericStatistics(schema: schema)
        for (index, rank) in schema.numericRanks {
            guard let old = fields[index].source.flatMap({ oldRanks[$0] }) else { continue }
            statistics.replace(rank, by: source.statistics.moments[old])
        }
        return statistics
    }
}

extension FeatureField {
    /// Why what was learnt of `old` is of no use for this field; nil if it is.
    fileprivate func flaw(
        asSuccessorOf old: FeatureField,
        _ networks: (old: NetworkSettings, new: NetworkSettings)
    ) -> String? {
        switch (old.kind, kind) {
        case (.numeric, .numeric): return nil
        case (.categorical(let before), .categorical(let rows)),
            (.list(let before, _), .list(let rows, _)):
            if before != rows { return "it has \(rows) rows, had \(before)" }
        case (.bucketed(let before), .bucketed(let boundaries)):
            if before != boundaries { return "its buckets are others" }
        default: return "it is \(kind.name), was \(old.kind.name)"
        }
        let (before, dimension) = (networks.old.embeddingDimension, networks.new.embeddingDimension)
        return before == dimension
            ? nil : "its embedding has \(dimension) columns, had \(before)"
    }
}

extension FeatureField.Kind {
    fileprivate var name: String {
        switch self {
        case .categorical: "categorical"
        case .list: "a list"
        case .numeric: "numeric"
        case .bucketed: "bucketed"
        }
    }
}

extension NetworkSettings {
    /// The configuration's key of the first thing by which dense layers differ in more than the trunk's
    /// inputs.
    fileprivate func firstDenseDifference(to other: NetworkSettings) -> String? {
        if experts != other.experts { return "model.experts.count" }
        if expertLayers != other.expertLayers { return "model.experts.layers" }
        if gates != other.gates { return "model.gates" }
        if towerLayers != other.towerLayers { return "model.towers.layers" }
        return nil
    }
}

extension FeatureSchema {
    /// The rank of each numeric field among them, by its place.
    fileprivate var numericRanks: [Int: Int] {
        var ranks: [Int: Int] = [:]
        for (index, field) in fields.enumerated() {
            if case .numeric = field.kind { ranks[index] = ranks.count }
        }
        return ranks
    }
}
