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
            let scale = positiveWeight * exp(gamma * l.logQ1)
            return Value(
                loss: -scale * l.logP1,
                ctrLogitGradient: scale * (gamma * exp(l.logP1) * l.logP1 - exp(l.logQ1)),
                cvrLogitGradient: 0
            )
        }
        let scale = negativeWeight * exp(gamma * l.logP1)
        return Value(
            loss: -scale * l.logQ1,
            ctrLogitGradient: scale * (exp(l.logP1) - gamma * exp(l.logQ1) * l.logQ1),
            cvrLogitGradient: 0
        )
    }

    /// With q = 1−p, r₁ = (1−p₁)/q, r₂ = (1−p₂)/q:
    ///
    /// t = 1: ∂/∂a = α q^γ [γ p (ln p)/q − 1] (1−p₁), ∂/∂b with (1−p₂);
    /// t = 0: ∂/∂a = (1−α) p^γ [p r₁ − γ (1−p₁) ln q], ∂/∂b with r₂ and (1−p₂).
    private func ctcvr(_ l: Logits, label: Bool) -> Value {
        let logP = l.logP1 + l.logP2
        let p = exp(logP)
        let logQ = l.logQ(p: p)
        let (q1, q2) = (exp(l.logQ1), exp(l.logQ2))
        if label {
            let q = exp(logQ)
            // (ln p)/q → −1 as q → 0.
            let ratio = q > Double.leastNormalMagnitude ? logP / q : -1
            let scale = positiveWeight * exp(gamma * logQ)
            let slope = scale * (gamma * p * ratio - 1)
            return Value(
                loss: -scale * logP,
                ctrLogitGradient: slope * q1,
                cvrLogitGradient: slope * q2
            )
        }
        let scale = negativeWeight * exp(gamma * logP)
        return Value(
            loss: -scale * logQ,
            ctrLogitGradient: scale * (p * l.r1 - gamma * q1 * logQ),
            cvrLogitGradient: scale * (p * l.r2 - gamma * q2 * logQ)
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

/// Logarithms of probabilities, from the logits.
private struct Logits {
    let logP1: Double
    let logQ1: Double
    let logP2: Double
    let logQ2: Double
    /// (1−p₁)/q = σ(softplus(b) − a), since q = (1−p₁) + p₁(1−p₂).
    let r1: Double
    /// (1−p₂)/q = σ(softplus(a) − b)
    let r2: Double

    init(a: Double, b: Double) {
        logP1 = -softplus(-a)
        logQ1 = -softplus(a)
        logP2 = -softplus(-b)
        logQ2 = -softplus(b)
        r1 = exp(-softplus(a + logQ2))
        r2 = exp(-softplus(b + logQ1))
    }

    /// ln(1−p), whichever of its two forms does not cancel.
    func logQ(p: Double) -> Double {
        if p < 0.5 { return log1p(-p) }
        let (x, y) = (logQ1, logP1 + logQ2)
        return max(x, y) + log1p(exp(-abs(x - y)))
    }
}

/// ln(1 + exp(x))
private func softplus(_ x: Double) -> Double {
    max(x, 0) + log1p(exp(-abs(x)))
}
