#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Functions of probabilities that are computed from their logits, in Double, so that nothing is
/// lost near 0 and 1.
enum LogDomain {
    /// ln(1 + eˣ) = −ln σ(−x).
    static func softplus(_ x: Double) -> Double {
        max(x, 0) + logOnePlus(exp(-abs(x)))
    }

    /// ln(1 + x) for x ≥ 0. What 1 + x loses in rounding is added to first order, which is several
    /// times faster than the library's log1p and as exact here.
    static func logOnePlus(_ x: Double) -> Double {
        let sum = 1 + x
        return log(sum) + (x - (sum - 1)) / sum
    }

    /// σ(x), without overflow on either side.
    static func sigmoid(_ x: Double) -> Double {
        let decay = exp(-abs(x))
        return (x >= 0 ? 1 : decay) / (1 + decay)
    }

    /// σ(x) and both log losses, −ln σ(x) for a positive and −ln(1−σ(x)) for a negative.
    static func losses(
        logit x: Double
    ) -> (probability: Double, positive: Double, negative: Double) {
        let decay = exp(-abs(x))
        let small = logOnePlus(decay)
        return (
            (x >= 0 ? 1 : decay) / (1 + decay), max(-x, 0) + small, max(x, 0) + small
        )
    }

    /// ln(p / (1−p)) for p strictly between 0 and 1.
    static func logit(_ probability: Double) -> Double {
        log(probability) - log1p(-probability)
    }

    /// The logit of σ(a)·σ(b): 1/p − 1 = e⁻ᵃ + e⁻ᵇ + e⁻ᵃ⁻ᵇ, summed around its greatest term.
    static func logitOfProduct(_ a: Double, _ b: Double) -> Double {
        let low = min(a, b)
        let high = max(a, b)
        // The greatest exponent is −low − high where high < 0, and −low otherwise.
        if high < 0 {
            return low + high - logOnePlus(exp(high) + exp(low))
        }
        return low - logOnePlus(exp(low - high) + exp(-high))
    }

    /// ln(1 − e⁻ˣ) for x > 0.
    static func logOneMinusExp(_ x: Double) -> Double {
        log(-expm1(-x))
    }

    /// ln(numerator / denominator), both positive.
    static func logRatio(_ numerator: Double, _ denominator: Double) -> Double {
        log(numerator / denominator)
    }

    /// eˣ and ln(1 + eˣ) for x ≤ 0.
    static func decay(_ x: Double) -> (exp: Double, log1p: Double) {
        let value = exp(x)
        return (value, logOnePlus(value))
    }

    /// −p ln p − (1−p) ln(1−p), in nats; 0 at 0 and 1.
    static func entropy(_ p: Double) -> Double {
        guard p > 0, p < 1 else { return 0 }
        return -p * log(p) - (1 - p) * log1p(-p)
    }
}
