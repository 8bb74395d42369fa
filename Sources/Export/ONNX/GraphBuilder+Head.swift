internal import Foundation
internal import Learn
internal import ONNXMessages

// From logits to calibrated probabilities, in double, without a branch: the same formulas as
// `Calibration` and `LogDomain`, of which each is exact over the whole range of logits.
extension GraphBuilder {
    mutating func head(ctrLogit: GraphValue, cvrLogit: GraphValue, loss: FocalLoss) {
        let a = cast(ctrLogit, to: .double, as: "ctr.trained")
        let b = cast(cvrLogit, to: .double, as: "cvr.trained")
        let both = logitOfProduct(a, b, "ctcvr.trained")
        let ctr = sigmoid(calibrated(a, loss, "ctr.calibrated"), "ctr.probability")
        let ctcvr = sigmoid(calibrated(both, loss, "ctcvr.calibrated"), "ctcvr.probability")
        let cvr = ratio(ctcvr, to: ctr, "cvr.probability")
        output(ctr, "ctr", description: "p(click)")
        output(cvr, "cvr", description: "p(conversion | click)")
        output(ctcvr, "ctcvr", description: "p(click and conversion)")
    }

    /// The logit of σ(a)·σ(b): low + min(high, 0) − ln(1 + e^−|high| + e^(low − max(high, 0))).
    private mutating func logitOfProduct(
        _ a: GraphValue,
        _ b: GraphValue,
        _ name: String
    ) -> GraphValue {
        let low = node("Min", a, b, as: "\(name).low")
        let high = node("Max", a, b, as: "\(name).high")
        let negative = node("Min", high, constant(0.0), as: "\(name).high.negative")
        let positive = node("Max", high, constant(0.0), as: "\(name).high.positive")
        let distance = node("Sub", low, positive, as: "\(name).distance")
        let first = decay(high, "\(name).first")
        let second = node("Exp", distance, as: "\(name).second")
        let terms = node("Add", first, second, as: "\(name).terms")
        return node(
            "Sub",
            node("Add", low, negative, as: "\(name).greatest"),
            logOnePlus(terms, "\(name).rest"),
            as: name
        )
    }

    /// offset + (γ+1) x + sign(x) ln((1 + γ lower) / (1 + γ upper)), where e = e^−|x|,
    /// upper = ln(1+e) / e and lower = (|x| + ln(1+e)) e.
    private mutating func calibrated(
        _ logit: GraphValue,
        _ loss: FocalLoss,
        _ name: String
    ) -> GraphValue {
        let one = constant(1.0)
        let gamma = constant(loss.gamma)
        let offset = loss.alpha.map { log1p(-$0) - log($0) } ?? 0
        // Beyond 700 nothing changes any more, and e stays above 0.
        let size = node(
            "Min",
            node("Abs", logit, as: "\(name).magnitude"),
            constant(700.0),
            as: "\(name).size"
        )
        let decay = decay(size, "\(name).decay")
        let small = logOnePlus(decay, "\(name).small")
        let upper = node("Div", small, decay, as: "\(name).upper")
        let sum = node("Add", size, small, as: "\(name).size.small")
        let lower = node("Mul", sum, decay, as: "\(name).lower")
        let numerator = node(
            "Add",
            one,
            node("Mul", gamma, lower, as: "\(name).lower.scaled"),
            as: "\(name).numerator"
        )
        let denominator = node(
            "Add",
            one,
            node("Mul", gamma, upper, as: "\(name).upper.scaled"),
            as: "\(name).denominator"
        )
        let quotient = node("Div", numerator, denominator, as: "\(name).quotient")
        let shift = node(
            "Mul",
            node("Sign", logit, as: "\(name).sign"),
            node("Log", quotient, as: "\(name).log"),
            as: "\(name).shift"
        )
        let scaled = node("Mul", constant(loss.gamma + 1), logit, as: "\(name).scaled")
        let linear = node("Add", constant(offset), scaled, as: "\(name).linear")
        return node("Add", linear, shift, as: name)
    }

    /// σ(x) = e^min(x, 0) / (1 + e^−|x|)
    private mutating func sigmoid(_ x: GraphValue, _ name: String) -> GraphValue {
        let numerator = node(
            "Exp",
            node("Min", x, constant(0.0), as: "\(name).negative"),
            as: "\(name).numerator"
        )
        let denominator = node(
            "Add",
            constant(1.0),
            decay(x, "\(name).decay"),
            as: "\(name).denominator"
        )
        return node("Div", numerator, denominator, as: name)
    }

    /// part / whole, at most 1; 0 where the whole is 0.
    private mutating func ratio(
        _ part: GraphValue,
        to whole: GraphValue,
        _ name: String
    ) -> GraphValue {
        let quotient = node("Div", part, whole, as: "\(name).quotient")
        let limited = node("Min", quotient, constant(1.0), as: "\(name).limited")
        let isPositive = node("Greater", whole, constant(0.0), as: "\(name).defined")
        return node("Where", isPositive, limited, constant(0.0), as: name)
    }

    /// e^−|x|
    private mutating func decay(_ x: GraphValue, _ name: String) -> GraphValue {
        let magnitude = node("Abs", x, as: "\(name).magnitude")
        return node("Exp", node("Neg", magnitude, as: "\(name).exponent"), as: name)
    }

    /// ln(1 + x) for x ≥ 0: what 1 + x loses in rounding is added to first order.
    private mutating func logOnePlus(_ x: GraphValue, _ name: String) -> GraphValue {
        let sum = node("Add", constant(1.0), x, as: "\(name).sum")
        let kept = node("Sub", sum, constant(1.0), as: "\(name).kept")
        let lost = node("Sub", x, kept, as: "\(name).lost")
        return node(
            "Add",
            node("Log", sum, as: "\(name).log"),
            node("Div", lost, sum, as: "\(name).correction"),
            as: name
        )
    }
}
