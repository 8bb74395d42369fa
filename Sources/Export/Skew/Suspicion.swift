internal import Decode
internal import Events
internal import Learn

/// Tries on differing impressions of one model what each field may have been at serving.
struct Suspicion {
    /// Variants that are scored together.
    private static let batchCount = 2_048

    private let model: ComparedModel
    /// One per substitution of the model.
    private var evidence: [SkewTally.Evidence]
    private var variants = ImpressionBatch()
    private var trials: [Trial] = []
    private var variant: [UInt32] = []

    /// What a variant is held against.
    private struct Trial {
        /// Index of the substitution.
        var substitution: Int
        var answer: ServedPrediction
        /// Of the impression as it is.
        var distance: Double
    }

    init(_ model: ComparedModel) {
        self.model = model
        evidence = model.substitutions.map { _ in SkewTally.Evidence() }
    }

    /// - Parameters:
    ///   - previous: the impression before; empty if there is none.
    ///   - distance: from what the model says of the impression to the answer.
    mutating func examine(
        _ impression: ArraySlice<UInt32>,
        previous: ArraySlice<UInt32>,
        answer: ServedPrediction,
        distance: Double
    ) throws(ExportError) {
        let fields = model.schema.fieldRanges(of: impression)
        let before =
            previous.isEmpty
            ? nil : (words: previous, fields: model.schema.fieldRanges(of: previous))
        for (index, substitution) in model.substitutions.enumerated() {
            let isOther = substitution.substitute(
                in: impression,
                fields: fields,
                previous: before,
                into: &variant
            )
            guard isOther else { continue }
            variants.append(variant)
            trials.append(Trial(substitution: index, answer: answer, distance: distance))
        }
        if trials.count >= Self.batchCount { try score() }
    }

    /// Adds what was found.
    mutating func finish(into tally: inout SkewTally) throws(ExportError) {
        try score()
        for (substitution, found) in zip(model.substitutions, evidence) {
            let suspect = SkewTally.Suspect(
                field: model.schema.fields[substitution.field].name,
                substitution: substitution.substitution
            )
            tally.evidence[suspect, default: SkewTally.Evidence()].add(found)
        }
    }

    private mutating func score() throws(ExportError) {
        if trials.isEmpty { return }
        for (trial, result) in zip(trials, try model.scorer.score(variants)) {
            if trial.answer.agrees(with: result, within: SkewAnalysis.tolerance) {
                evidence[trial.substitution].explained += 1
            }
            let distance = trial.answer.distance(to: result)
            if distance.isFinite {
                evidence[trial.substitution].removed += trial.distance - distance
            }
        }
        variants.removeAll()
        trials.removeAll(keepingCapacity: true)
    }
}

extension SkewTally.Evidence {
    fileprivate mutating func add(_ other: Self) {
        explained += other.explained
        removed += other.removed
    }
}
