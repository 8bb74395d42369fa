public import Events

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The loss of one example over the entire space (Ma et al., SIGIR 2018): focal loss of the CTR
/// p₁ = σ(a) and of the CTCVR p = p₁p₂, p₂ = σ(b), from the logits a (CTR) and b (CVR).
///
/// With α_t = α and p_t = p for a positive, 1 − α and 1 − p for a negative, each task's loss is
/// FL(t, p) = −α_t (1−p_t)^γ ln p_t. All logarithms and ratios are formed from log-sigmoids, in
/// Double, so that loss and gradients are finite for every pair of finite Float logits.
public struct ESMMLoss: Sendable {
    /// The summed, weighted loss and its derivatives by the logits.
    public struct Value: Equatable, Sendable {
        public var loss: Double
        public var ctrLogitGradient: Double
        public var cvrLogitGradient: Double
    }

    private let gamma: Double
    private let positiveWeight: Double
    private let negativeWeight: Double

    public init(_ focal: FocalLoss) {
        gamma = focal.gamma
        positiveWeight = focal.alpha ?? 1
        negativeWeight = focal.alpha.map { 1 - $0 } ?? 1
    }

    /// The loss of the tasks that have a label.
    public func value(
        _ prediction: Prediction,
        labels: Labels,
        ctrWeight: Float,
        ctcvrWeight: Float
    ) -> Value {
        let logits = Logits(a: Double(prediction.ctrLogit), b: Double(prediction.cvrLogit))
        var sum = Value(loss: 0, ctrLogitGradient: 0, cvrLogitGradient: 0)
        if let label = labels.ctr {
            sum.add(ctr(logits, label: label), weight: Double(ctrWeight))
        }
        if let label = labels.ctcvr {
            sum.add(ctcvr(logits, label: label), weight: Double(ctcvrWeight))
        }
        return sum
    }

    /// t = 1: ∂/∂a = α (1−p₁)^γ [γ p₁ ln p₁ − (1−p₁)];
    /// t = 0: ∂/∂a = (1−α) p₁^γ [p₁ − γ (1−p₁) ln(1−p₁)].
    private func ctr(_ l: Logits, label: Bool) -> Value {
        if label {
            let scale = positiveWeight * power(l.q1, log: l.logQ1)
            return Value(
                loss: -scale * l.logP1,
                ctrLogitGradient: scale * (gamma * l.p1 * l.logP1 - l.q1),
                cvrLogitGradient: 0
            )
        }
        let scale = negativeWeight * power(l.p1, log: l.logP1)
        return Value(
            loss: -scale * l.logQ1,
            ctrLogitGradient: scale * (l.p1 - gamma * l.q1 * l.logQ1),
            cvrLogitGradient: 0
        )
    }

    /// The γ-th power of a number, whose logarithm is known; the usual γ costs no exponential.
    private func power(_ base: Double, log: Double) -> Double {
        gamma == 2 ? base * base : exp(gamma * log)
    }

    /// With q = 1−p, r₁ = (1−p₁)/q, r₂ = (1−p₂)/q:
    ///
    /// t = 1: ∂/∂a = α q^γ [γ p (ln p)/q − 1] (1−p₁), ∂/∂b with (1−p₂);
    /// t = 0: ∂/∂a = (1−α) p^γ [p r₁ − γ (1−p₁) ln q], ∂/∂b with r₂ and (1−p₂).
    private func ctcvr(_ l: Logits, label: Bool) -> Value {
        let logP = l.logP1 + l.logP2
        let p = l.p1 * l.p2
        let logQ = l.logQ(p: p)
        if label {
            let q = exp(logQ)
            // (ln p)/q → −1 as q → 0.
            let ratio = q > Double.leastNormalMagnitude ? logP / q : -1
            let scale = positiveWeight * power(q, log: logQ)
            let slope = scale * (gamma * p * ratio - 1)
            return Value(
                loss: -scale * logP,
                ctrLogitGradient: slope * l.q1,
                cvrLogitGradient: slope * l.q2
            )
        }
        let scale = negativeWeight * power(p, log: logP)
        return Value(
            loss: -scale * logQ,
            ctrLogitGradient: scale * (p * l.r1 - gamma * l.q1 * logQ),
            cvrLogitGradient: scale * (p * l.r2 - gamma * l.q2 * logQ)
        )
    }
}

extension ESMMLoss.Value {
    fileprivate mutating func add(_ other: Self, weight: Double) {
        loss += weight * other.loss
        ctrLogitGradient += weight * other.ctrLogitGradient
        cvrLogitGradient += weight * other.cvrLogitGradient
    }
}

/// Probabilities and their logarithms, from the logits: each to its full relative precision.
private struct Logits {
    let a: Double
    let b: Double
    let p1: Double
    let q1: Double
    let logP1: Double
    let logQ1: Double
    let p2: Double
    let q2: Double
    let logP2: Double
    let logQ2: Double

    init(a: Double, b: Double) {
        (self.a, self.b) = (a, b)
        (p1, q1, logP1, logQ1) = Self.probabilities(a)
        (p2, q2, logP2, logQ2) = Self.probabilities(b)
    }

    /// (1−p₁)/q = σ(softplus(b) − a), since q = (1−p₁) + p₁(1−p₂).
    var r1: Double { LogDomain.sigmoid(-logQ2 - a) }
    /// (1−p₂)/q = σ(softplus(a) − b)
    var r2: Double { LogDomain.sigmoid(-logQ1 - b) }

    /// ln(1−p), whichever of its two forms does not cancel.
    func logQ(p: Double) -> Double {
        if p < 0.5 { return log1p(-p) }
        let (x, y) = (logQ1, logP1 + logQ2)
        return max(x, y) + LogDomain.logOnePlus(exp(-abs(x - y)))
    }

    /// σ(x), σ(−x) and their logarithms −softplus(−x), −softplus(x), from one exponential.
    private static func probabilities(
        _ x: Double
    ) -> (p: Double, q: Double, logP: Double, logQ: Double) {
        let decay = exp(-abs(x))
        let small = LogDomain.logOnePlus(decay)
        let (more, less) = (1 / (1 + decay), decay / (1 + decay))
        return x >= 0
            ? (more, less, -small, -x - small) : (less, more, x - small, -small)
    }
}
