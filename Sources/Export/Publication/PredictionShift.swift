public import Learn

/// The mean predictions of two models on the same impressions.
public struct PredictionShift: Equatable, Sendable {
    /// Impressions that both scored.
    public var impressions: Int
    public var published: Probabilities
    public var candidate: Probabilities

    public init(impressions: Int, published: Probabilities, candidate: Probabilities) {
        self.impressions = impressions
        self.published = published
        self.candidate = candidate
    }

    /// |candidate − published| / published of a mean; where that is 0, 0 if both are, else infinite.
    public static func relative(_ published: Double, _ candidate: Double) -> Double {
        let difference = abs(candidate - published)
        return difference == 0 ? 0 : difference / published
    }

    func refusals(limit: Double) -> [Refusal] {
        guard impressions > 0 else {
            return [
                Refusal(
                    .shiftMax,
                    limit: "\(limit)",
                    finding: "there is no impression to compare predictions on "
                        + "(snapshots.sampled_impressions)"
                )
            ]
        }
        return [
            ("ctr", published.ctr, candidate.ctr), ("ctcvr", published.ctcvr, candidate.ctcvr),
        ].compactMap { task, published, candidate in
            let shift = Self.relative(published, candidate)
            if shift <= limit { return nil }
            return Refusal(
                .shiftMax,
                limit: "\(limit)",
                finding: "the mean \(task) of \(impressions) recent impressions goes from "
                    + "\(published) to \(candidate), by \(shift)"
            )
        }
    }
}
