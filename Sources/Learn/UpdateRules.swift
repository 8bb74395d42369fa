internal import CKernels

/// The optimizer's rule for each part of the network, and what its state starts as.
struct UpdateRules {
    let embedding: CUpdateRule
    let dense: CUpdateRule
    /// Floats of optimizer state per parameter.
    let slots: Int

    init(_ settings: OptimizerSettings) {
        embedding = Self.rule(settings.method, rate: settings.embeddingRate)
        dense = Self.rule(settings.method, rate: settings.denseRate)
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

extension NetworkMemory {
    /// Brings the optimizer's state of a tensor to its start, for the values that the tensor has.
    mutating func resetOptimizerState(
        of entry: NetworkLayout.Entry,
        method: OptimizerSettings.Method
    ) {
        let range = entry.tensor.range
        switch method {
        case .sgd:
            break
        case .adagrad(let initialAccumulator, _, _):
            optimizerState.fill(range, with: initialAccumulator)
        case .ftrl(let beta, let l1, let l2):
            // z such that its weight, at n = 0, is the one that is there.
            let denominator = beta / rules[entry.part].rate + l2
            for index in range {
                let weight = parameters[index]
                let size = weight.magnitude * denominator + l1
                optimizerState[index] = weight == 0 ? 0 : weight > 0 ? -size : size
            }
            let second = parameters.count
            optimizerState.fill(second + range.lowerBound..<second + range.upperBound, with: 0)
        }
    }
}
