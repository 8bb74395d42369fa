/// What was found of skew between training and serving.
public struct SkewReport: Codable, Equatable, Sendable {
    /// By how much one probability differs between serving and the model recomputed.
    public struct Difference: Codable, Equatable, Sendable {
        /// Mean of |difference| over the compared impressions; 0 if there are none.
        public var mean = 0.0
        public var max = 0.0
    }

    /// Models that have served and are not among the exports.
    public struct UnknownModels: Codable, Equatable, Sendable {
        static let namedMax = 20

        public var impressions = 0
        /// The first of their ids, as they came, cut to 200 characters.
        public var models: [String] = []
        /// Whether there were more than could be named.
        public var more = false

        mutating func add(_ id: String) {
            impressions += 1
            let name = String(id.prefix(200))
            if models.contains(name) { return }
            if models.count < Self.namedMax { models.append(name) } else { more = true }
        }
    }

    /// A field that serving may have seen otherwise.
    public struct Explanation: Codable, Equatable, Sendable {
        public var field: String
        /// What serving may have seen.
        public var substitution: Substitution
        /// Share of the differing impressions that agree when the field is substituted.
        public var shareExplained: Double
        /// Share of the summed |logit difference| that goes away.
        public var logitShareRemoved: Double

        enum CodingKeys: String, CodingKey {
            case field, substitution
            case shareExplained = "share_explained"
            case logitShareRemoved = "logit_share_removed"
        }
    }

    public var compared = 0
    /// Impressions without "served".
    public var withoutServed = 0
    public var unknownModels = UnknownModels()
    /// Lines that are no impressions, and what is wrong with the first of them.
    public var rejected = 0
    public var firstRejected: String?
    /// The difference of a probability above which an impression counts as different.
    public var tolerance = SkewAnalysis.tolerance
    public var different = 0
    /// Of the compared ones; 0 if there are none.
    public var shareDifferent = 0.0
    public var ctr = Difference()
    public var cvr = Difference()
    /// What explains or lessens the difference, the best first.
    public var explanations: [Explanation] = []
    /// In words.
    public var conclusion = ""

    enum CodingKeys: String, CodingKey {
        case compared, rejected, tolerance, different, ctr, cvr, explanations, conclusion
        case withoutServed = "without_served"
        case unknownModels = "unknown_models"
        case firstRejected = "first_rejected"
        case shareDifferent = "share_different"
    }
}

extension SkewReport {
    mutating func take(_ tally: SkewTally) {
        let count = Double(max(tally.compared, 1))
        compared = tally.compared
        different = tally.different
        shareDifferent = Double(tally.different) / count
        ctr = Difference(mean: tally.ctr.sum / count, max: tally.ctr.max)
        cvr = Difference(mean: tally.cvr.sum / count, max: tally.cvr.max)
        let differing = Double(max(tally.different, 1))
        explanations = tally.evidence.compactMap { suspect, evidence in
            guard evidence.explained > 0 || evidence.removed > 0 else { return nil }
            return Explanation(
                field: suspect.field,
                substitution: suspect.substitution,
                shareExplained: Double(evidence.explained) / differing,
                logitShareRemoved: tally.distance > 0 ? evidence.removed / tally.distance : 0
            )
        }
        explanations.sort(by: Self.isBetter)
        conclusion = words
    }

    /// By what they explain, then by what they lessen; names last, so that the order is definite.
    private static func isBetter(_ a: Explanation, _ b: Explanation) -> Bool {
        if a.shareExplained != b.shareExplained { return a.shareExplained > b.shareExplained }
        if a.logitShareRemoved != b.logitShareRemoved {
            return a.logitShareRemoved > b.logitShareRemoved
        }
        return (a.field, a.substitution.rawValue) < (b.field, b.substitution.rawValue)
    }

    private var words: String {
        if compared == 0 { return "nothing could be compared" }
        if different == 0 { return "no skew: serving answered what its models say" }
        guard let best = explanations.first else {
            return "no field explains any of the difference: \(Self.otherReasons)"
        }
        let name = "\(best.field) \(best.substitution.words)"
        let share = percent(best.shareExplained)
        if best.shareExplained >= 0.5 { return "\(name) explains \(share) of the difference" }
        return
            "no single field explains most of the difference: \(Self.otherReasons); the closest, "
            + "\(name), explains \(share) of it and takes \(percent(best.logitShareRemoved)) off in "
            + "logits"
    }

    private static let otherReasons =
        "several may differ at once, by values that are not tried, or another model has answered"

    private func percent(_ share: Double) -> String {
        let tenths = (share * 1_000).rounded() / 10
        return (tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)") + " %"
    }
}

extension Substitution {
    /// "missing at serving"
    public var words: String {
        switch self {
        case .missing: "missing at serving"
        case .empty: "being empty at serving"
        case .zero: "being 0 at serving"
        case .previous: "being the value of the impression before at serving"
        }
    }
}
