public import Events

/// Calibrated probabilities of one impression.
public struct Probabilities: Equatable, Sendable, BitwiseCopyable {
    /// p(click)
    public var ctr: Double
    /// p(conversion | click) = ctcvr / ctr, at most 1; 0 where `ctr` is 0.
    public var cvr: Double
    /// p(click and conversion)
    public var ctcvr: Double

    public init(ctr: Double, cvr: Double, ctcvr: Double) {
        self.ctr = ctr
        self.cvr = cvr
        self.ctcvr = ctcvr
    }
}

/// Undoes what focal loss does to probabilities.
///
/// Focal loss is not a proper loss: an output u trained to convergence stands for the probability η with
///
///     η/(1−η) = (1−α) φ(1−u) / (α φ(u)),   φ(u) = (1−u)^γ/u − γ (1−u)^(γ−1) ln u
///
/// which is where the derivative of η FL(1, u) + (1−η) FL(0, u) vanishes. With u = σ(x),
/// φ(u) = (1−u)^(γ−1) e⁻ˣ (1 + γ h(x)) for h(x) = eˣ ln(1 + e⁻ˣ), which lies between 0 and 1, so
///
///     logit η = ln((1−α)/α) + (γ+1) x + ln((1 + γ h(−x)) / (1 + γ h(x)))
///
/// exact, increasing and finite over the whole range of logits.
public struct Calibration: Equatable, Sendable {
    /// γ
    let gamma: Double
    /// ln((1−α)/α)
    let offset: Double

    /// - Precondition: γ ≥ 0 and finite, 0 < α < 1 if given.
    public init(_ loss: FocalLoss) {
        precondition(loss.gamma >= 0 && loss.gamma.isFinite, "focal loss needs gamma >= 0")
        gamma = loss.gamma
        if let alpha = loss.alpha {
            precondition(alpha > 0 && alpha < 1, "focal loss needs 0 < alpha < 1")
            offset = -LogDomain.logit(alpha)
        } else {
            offset = 0
        }
    }

    /// The logit of the probability for which a trained output σ(`logit`) stands.
    public func calibratedLogit(_ logit: Double) -> Double {
        let size = abs(logit)
        let (decay, small) = LogDomain.decay(-size)
        // h(|x|) and h(−|x|); ln(1 + e) / e is 1 in the limit.
        let upper = decay > 0 ? small / decay : 1
        let lower = (size + small) * decay
        let shift = LogDomain.logRatio(1 + gamma * lower, 1 + gamma * upper)
        return offset + (gamma + 1) * logit + (logit >= 0 ? shift : -shift)
    }

    /// The calibrated logits of p(click) and p(click and conversion).
    public func logits(of prediction: Prediction) -> CalibratedLogits {
        let ctr = Double(prediction.ctrLogit)
        return CalibratedLogits(
            ctr: calibratedLogit(ctr),
            ctcvr: calibratedLogit(LogDomain.logitOfProduct(ctr, Double(prediction.cvrLogit)))
        )
    }

    /// The calibrated probabilities, for finite logits.
    public func probabilities(of prediction: Prediction) -> Probabilities {
        let logits = logits(of: prediction)
        let ctr = LogDomain.sigmoid(logits.ctr)
        let ctcvr = LogDomain.sigmoid(logits.ctcvr)
        return Probabilities(ctr: ctr, cvr: ctr > 0 ? min(ctcvr / ctr, 1) : 0, ctcvr: ctcvr)
    }
}

/// Logits of calibrated probabilities of one impression.
public struct CalibratedLogits: Equatable, Sendable, BitwiseCopyable {
    public var ctr: Double
    public var ctcvr: Double

    public init(ctr: Double, ctcvr: Double) {
        self.ctr = ctr
        self.ctcvr = ctcvr
    }

    /// The logit of the ratio ctcvr / ctr.
    ///
    /// 1 − σ(y)/σ(x) = σ(−y) (1 − e^(y−x)), hence logit = y + ln(1 + e⁻ˣ) − ln(1 − e^(y−x)). The two
    /// logits are taken as at least 2⁻⁵² apart, so that it is finite where the ratio rounds to 1.
    public var cvr: Double {
        let gap = max(ctr - ctcvr, Double.ulpOfOne)
        return ctcvr + LogDomain.softplus(-ctr) - LogDomain.logOneMinusExp(gap)
    }
}
