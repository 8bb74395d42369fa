extension Calibration {
    /// The biases of a fresh model's two outputs, by which its *calibrated* CTR and CTCVR are the
    /// given base rates while everything before the biases is zero.
    ///
    /// - Precondition: 0 < `ctcvr` < `ctr` < 1.
    public func outputBiases(ctr: Double, ctcvr: Double) -> (ctr: Double, cvr: Double) {
        precondition(0 < ctcvr && ctcvr < ctr && ctr < 1, "base rates need 0 < ctcvr < ctr < 1")
        let click = trainedLogit(LogDomain.logit(ctr))
        let both = trainedLogit(LogDomain.logit(ctcvr))
        // p = p₁p₂ solved for the logit of p₂: the logit of a ratio.
        return (click, CalibratedLogits(ctr: click, ctcvr: both).cvr)
    }

    /// The inverse of `calibratedLogit`: the trained output's logit that stands for a probability.
    func trainedLogit(_ target: Double) -> Double {
        var low = -1.0
        var high = 1.0
        while calibratedLogit(low) > target { low *= 2 }
        while calibratedLogit(high) < target { high *= 2 }
        while true {
            let middle = low + (high - low) / 2
            guard middle > low, middle < high else { return middle }
            if calibratedLogit(middle) < target { low = middle } else { high = middle }
        }
    }
}
