internal import CKernels

/// The optimizer's rule for each part of the network, and what its state starts as.
struct UpdateRules {
    let embedding: CUpdateRule
    let wide: CUpdateRule
    let dense: CUpdateRule
    /// Floats of optimizer state per parameter.
    let slots: Int

    init(_ settings: OptimizerSettings) {
        embedding = Self.rule(settings.method, rate: settings.rate(of: .embedding))
        wide = Self.rule(settings.method, rate: settings.rate(of: .wide))
        dense = Self.rule(settings.method, rate: settings.rate(of: .dense))
        slots =
            switch settings.method {
            case .sgd: 0
            case .adagrad: 1
            case .ftrl: 2
            }
    }

    subscript(part: Part) -> CUpdateRule {
        switch part {
        case .embedding: embedding
        case .wide: wide
        case .dense: dense
        }
    }

    private static func rule(_ method: OptimizerSettings.Method, rate: Float) -> CUpdateRule {
        precondition(rate > 0 && rate.isFinite, "a learning rate must be positive")
        var rule = CUpdateRule()
        rule.rate = rate
        switch method {
        case .sgd:
            rule.method = .SGD
        case .adagrad(let initialAccumulator, let epsilon, let accumulatorMax):
            // The reciprocal square root needs a normal number.
            precondition(
                initialAccumulator >= 0 && epsilon >= 0
                    && initialAccumulator + epsilon >= Float.leastNormalMagnitude,
                "Adagrad needs a positive initial accumulator or epsilon"
            )
            precondition(
                accumulatorMax >= initialAccumulator && accumulatorMax.isFinite && epsilon.isFinite,
                "Adagrad's accumulator_max must be finite, and no less than where it starts"
            )
            rule.method = .adagrad
            rule.epsilon = epsilon
            rule.accumulator_max = accumulatorMax
        case .ftrl(let beta, let l1, let l2):
            precondition(
                beta > 0 && l1 >= 0 && l2 >= 0,
                "FTRL needs beta > 0 and no negative penalty"
            )
            rule.method = .FTRL
            rule.beta = beta
            rule.l1 = l1
            rule.l2 = l2
        }
        return rule
    }
}

extension OptimizerSettings {
    func rate(of part: Part) -> Float {
        switch part {
        case .embedding: embeddingRate
        case .wide: wideRate
        case .dense: denseRate
        }
    }
}

extension NetworkMemory {
    /// Brings the optimizer's state of a tensor to its start, for the values that the tensor has.
    mutating func resetOptimizerState(
        of entry: NetworkLayout.Entry,
        method: OptimizerSettings.Method
    ) {
        resetOptimizerState(of: entry.tensor.range, part: entry.part, method: method)
    }

    /// Likewise of some of the parameters.
    mutating func resetOptimizerState(
        of range: Range<Int>,
        part: Part,
        method: OptimizerSettings.Method
    ) {
        startOptimizerState(
            of: range,
            part: part,
            method: method,
            accumulator: method.initialAccumulator
        )
    }

    /// Lets the optimizer begin with the parameters in `range` as they are, as if the squares of the
    /// gradients so far added up to `accumulator`.
    mutating func startOptimizerState(
        of range: Range<Int>,
        part: Part,
        method: OptimizerSettings.Method,
        accumulator: Float
    ) {
        switch method {
        case .sgd:
            break
        case .adagrad(_, _, let accumulatorMax):
            optimizerState.fill(range, with: min(accumulator, accumulatorMax))
        case .ftrl:
            let second = parameters.count
            optimizerState.fill(
                second + range.lowerBound..<second + range.upperBound,
                with: accumulator
            )
            keepWeights(of: range, part: part, method: method)
        }
    }

    /// FTRL: sets z such that its weight, at the n that is there, is the one that is there.
    mutating func keepWeights(
        of range: Range<Int>,
        part: Part,
        method: OptimizerSettings.Method
    ) {
        guard case .ftrl(let beta, let l1, let l2) = method else { return }
        for index in range {
            let root = optimizerState[parameters.count + index].squareRoot()
            let weight = parameters[index]
            let size = weight.magnitude * ((beta + root) / rules[part].rate + l2) + l1
            optimizerState[index] = weight == 0 ? 0 : weight > 0 ? -size : size
        }
    }
}

extension OptimizerSettings.Method {
    /// What n starts as.
    fileprivate var initialAccumulator: Float {
        switch self {
        case .adagrad(let initialAccumulator, _, _): initialAccumulator
        case .sgd, .ftrl: 0
        }
    }
}
