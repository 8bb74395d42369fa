internal import Decode
internal import Learn

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Sums over compared impressions.
struct SkewTally {
    /// A field, by name since models may differ in their schemas, and what it may have been.
    struct Suspect: Hashable {
        var field: String
        var substitution: Substitution
    }

    /// What a suspect would account for.
    struct Evidence {
        /// Differing impressions that it brings within the tolerance.
        var explained = 0
        /// By how much it lessens the distance in logits.
        var removed = 0.0
    }

    /// Sum and maximum of |difference| of one probability.
    struct Difference {
        var sum = 0.0
        var max = 0.0

        mutating func add(_ difference: Double) {
            sum += difference
            max = Swift.max(max, difference)
        }
    }

    var compared = 0
    var different = 0
    var ctr = Difference()
    var cvr = Difference()
    /// Of the differing ones, in logits.
    var distance = 0.0
    var evidence: [Suspect: Evidence] = [:]
}

extension ServedPrediction {
    /// Whether the probabilities are these, within the tolerance.
    func agrees(with probabilities: Probabilities, within tolerance: Double) -> Bool {
        abs(ctr - probabilities.ctr) <= tolerance && abs(cvr - probabilities.cvr) <= tolerance
    }

    /// |Δ logit CTR| + |Δ logit CVR|
    func distance(to probabilities: Probabilities) -> Double {
        abs(logit(ctr) - logit(probabilities.ctr)) + abs(logit(cvr) - logit(probabilities.cvr))
    }
}

/// Finite also at 0 and 1.
private func logit(_ probability: Double) -> Double {
    let bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return log(bounded) - log1p(-bounded)
}
