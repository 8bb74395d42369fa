public import Events
public import StateCoding

/// What is known of one numeric field.
public struct NumericMoments: Equatable, Sendable {
    /// Values learnt from.
    public var count: UInt64 = 0
    public var mean: Double = 0
    /// Sum of squared deviations from the mean.
    public var squaredDeviations: Double = 0

    public init() {}

    /// Population variance; 0 before the first value.
    public var variance: Double { count > 0 ? squaredDeviations / Double(count) : 0 }

    /// No Floats, however many, can have other moments.
    var isPossible: Bool {
        count < 1 << 56 && abs(mean) <= 1e39 && squaredDeviations >= 0
            && squaredDeviations <= 1e100
    }

    /// (x − mean) / √variance within ±`clip`; 0 for a value that is not finite (NaN: absent), and
    /// while the variance is 0.
    public func standardised(_ value: Float, clip: Float) -> Float {
        let variance = variance
        guard value.isFinite, variance > 0 else { return 0 }
        let score = (Double(value) - mean) / variance.squareRoot()
        return Float(min(max(score, -Double(clip)), Double(clip)))
    }

    /// Welford's update; a value that is not finite teaches nothing.
    public mutating func learn(_ value: Float) {
        guard value.isFinite else { return }
        count += 1
        let deviation = Double(value) - mean
        mean += deviation / Double(count)
        squaredDeviations += deviation * (Double(value) - mean)
    }
}

/// Running mean and variance of every numeric field. A value is standardised by what came before it,
/// and learnt from afterwards.
public struct NumericStatistics: Equatable, Sendable {
    private enum Step: Equatable {
        case word
        case list
        case numeric(clip: Float)
    }

    /// How to walk an impression's encoded words, up to the last numeric field.
    private let steps: [Step]
    /// Field names in the order of `moments`.
    public let names: [String]
    /// One per numeric field, in the order of the schema.
    public private(set) var moments: [NumericMoments]

    /// Statistics that were kept elsewhere.
    /// - Parameter moments: one per numeric field, in the order of the schema.
    /// - Throws: `StateError` if there are more or fewer, or no values could have such.
    public init(schema: FeatureSchema, moments: [NumericMoments]) throws(StateError) {
        self.init(schema: schema)
        guard moments.count == names.count else {
            throw StateError(
                "statistics of \(moments.count) numeric features, but there are \(names.count)"
            )
        }
        for (name, moments) in zip(names, moments) where !moments.isPossible {
            throw StateError("statistics of feature \(name) are out of range")
        }
        self.moments = moments
    }

    public init(schema: FeatureSchema) {
        let all = schema.fields.map { field -> Step in
            switch field.kind {
            case .categorical, .bucketed: .word
            case .list: .list
            case .numeric(let clip): .numeric(clip: clip)
            }
        }
        let names = schema.fields.filter { if case .numeric = $0.kind { true } else { false } }
            .map(\.name)
        let last = all.lastIndex { if case .numeric = $0 { true } else { false } }
        self.steps = Array(all[..<(last.map { $0 + 1 } ?? 0)])
        self.names = names
        self.moments = Array(repeating: NumericMoments(), count: names.count)
    }

    /// Replaces the raw numeric words of one impression by standardised values, in place.
    ///
    /// - Parameter words: the impression as the schema encodes it.
    public func standardise(_ words: inout MutableSpan<UInt32>) {
        Self.forEachNumeric(of: steps, in: &words) { index, clip, word in
            let value = Float(bitPattern: word)
            word = moments[index].standardised(value, clip: clip).bitPattern
        }
    }

    /// Likewise, and learns from the raw values once they are standardised.
    public mutating func standardiseAndLearn(_ words: inout MutableSpan<UInt32>) {
        Self.forEachNumeric(of: steps, in: &words) { index, clip, word in
            let value = Float(bitPattern: word)
            word = moments[index].standardised(value, clip: clip).bitPattern
            moments[index].learn(value)
        }
    }

    /// Replaces what is known of one field, by its place in `names`.
    mutating func replace(_ index: Int, by other: NumericMoments) {
        moments[index] = other
    }

    /// Visits the numeric words with their rank and bounds.
    @inline(__always)
    private static func forEachNumeric(
        of steps: [Step],
        in words: inout MutableSpan<UInt32>,
        visit: (_ index: Int, _ clip: Float, _ word: inout UInt32) -> Void
    ) {
        var position = 0
        var index = 0
        for step in steps {
            switch step {
            case .word:
                position += 1
            case .list:
                position += 1 + Int(words[position])
            case .numeric(let clip):
                visit(index, clip, &words[position])
                position += 1
                index += 1
            }
        }
    }
}

extension NumericStatistics: StateCodable {
    public func encode(to writer: inout StateWriter) {
        writer.write(UInt32(moments.count))
        for (name, moments) in zip(names, moments) {
            writer.write(name)
            writer.write(moments.count)
            writer.write(moments.mean)
            writer.write(moments.squaredDeviations)
        }
    }

    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        let count = try reader.readCount(of: UInt32.self, elementSize: 28)
        guard count == names.count else {
            throw StateError(
                "statistics of \(count) numeric features, but \(names.count) are configured"
            )
        }
        var decoded: [NumericMoments] = []
        for name in names {
            let found = try reader.read(String.self)
            guard found == name else {
                throw StateError("statistics of feature \(found), but \(name) is configured there")
            }
            var moments = NumericMoments()
            moments.count = try reader.read()
            moments.mean = try reader.read()
            moments.squaredDeviations = try reader.read()
            guard moments.isPossible else {
                throw StateError("statistics of feature \(name) are out of range")
            }
            decoded.append(moments)
        }
        moments = decoded
    }
}
