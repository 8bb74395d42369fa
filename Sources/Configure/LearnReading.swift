internal import Learn

/// The optimizer's methods by the names that a configuration gives them.
enum MethodName: String, CaseIterable {
    case adagrad, sgd, ftrl

    /// The keys that belong to the method, and not to all.
    var keys: [String] {
        switch self {
        case .adagrad:
            ["initial_accumulator", "epsilon", "accumulator_max", "warm_accumulator"]
        case .sgd: []
        case .ftrl: ["beta", "l1", "l2", "warm_accumulator"]
        }
    }

    /// The settings of the method with every key at its default.
    var defaults: OptimizerSettings {
        switch self {
        case .adagrad:
            OptimizerSettings(
                method: .adagrad(initialAccumulator: 1e-4, epsilon: 1e-6, accumulatorMax: 25),
                embeddingRate: 0.05,
                denseRate: 0.02,
                wideRate: 0.01
            )
        case .sgd:
            OptimizerSettings(method: .sgd, embeddingRate: 0.3, denseRate: 0.01, wideRate: 0.1)
        case .ftrl:
            OptimizerSettings(
                method: .ftrl(beta: 1, l1: 0, l2: 0),
                embeddingRate: 0.1,
                denseRate: 0.05,
                wideRate: 0.1
            )
        }
    }
}

extension LearnSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        if let value = root["seed"] { seed = UInt64(try value.integer(in: 0...Int.max)) }
        try network.read(root)
        try loss.read(root)
        try readBaseRates(root)
        try readOptimizer(root)
        let metrics = try root.section("metrics", keys: ["cohort"])
        cohortWidth = try metrics["cohort"]?.duration(atLeast: 1_000) ?? cohortWidth
    }

    private mutating func readBaseRates(_ root: Section) throws(ConfigurationError) {
        let section = try root.section("base_rates", keys: ["ctr", "ctcvr"])
        let expected = "a probability between 0 and 1, both excluded"
        let isProbability = { (rate: Double) in rate > 0 && rate < 1 }
        baseCTR = try section["ctr"]?.number(expected, where: isProbability) ?? baseCTR
        baseCTCVR = try section["ctcvr"]?.number(expected, where: isProbability) ?? baseCTCVR
        guard baseCTCVR < baseCTR else {
            throw ConfigurationError(
                file: section.file,
                line: section["ctcvr"]?.line ?? section.line,
                key: "base_rates.ctcvr",
                problem: "is \(baseCTCVR), expected less than base_rates.ctr, \(baseCTR)"
            )
        }
    }

    private mutating func readOptimizer(_ root: Section) throws(ConfigurationError) {
        let shared = [
            "method", "embedding_rate", "dense_rate", "wide_rate", "embedding_deviation",
        ]
        let section = try root.section(
            "optimizer",
            keys: shared + MethodName.allCases.flatMap(\.keys)
        )
        let name = try section["method"]?.choice(MethodName.self) ?? .adagrad
        try section.refuseForeignKeys(
            of: name.rawValue,
            keys: shared + name.keys,
            owners: MethodName.allCases.map { ($0.rawValue, $0.keys) },
            called: "method"
        )
        optimizer = name.defaults
        if let value = section["wide_rate"], !network.wide {
            throw value.error("is the rate of the linear part, which only model.wide: true has")
        }
        try optimizer.readRates(section)
        try optimizer.method.read(section)
        try optimizer.readWarmAccumulator(section)
        embeddingDeviation =
            try section["embedding_deviation"]?.float("a number from 0 to 10") { (0...10) ~= $0 }
            ?? embeddingDeviation
    }
}

extension OptimizerSettings {
    fileprivate mutating func readRates(_ section: Section) throws(ConfigurationError) {
        let expected = "a number above 0, at most 100"
        let isRate = { (rate: Float) in rate > 0 && rate <= 100 }
        embeddingRate =
            try section["embedding_rate"]?.float(expected, where: isRate) ?? embeddingRate
        denseRate = try section["dense_rate"]?.float(expected, where: isRate) ?? denseRate
        wideRate = try section["wide_rate"]?.float(expected, where: isRate) ?? wideRate
    }

    /// Within what the method's accumulators can be.
    fileprivate mutating func readWarmAccumulator(_ section: Section) throws(ConfigurationError) {
        var (least, limit): (Float, Float) = (0, .greatestFiniteMagnitude)
        if case .adagrad(_, let epsilon, let accumulatorMax) = method {
            // The reciprocal square root needs a normal number.
            least = epsilon >= .leastNormalMagnitude ? 0 : .leastNormalMagnitude
            limit = accumulatorMax
        }
        warmAccumulator = min(warmAccumulator, limit)
        guard let value = section["warm_accumulator"] else { return }
        let most = limit == .greatestFiniteMagnitude ? "" : ", at most accumulator_max, \(limit)"
        warmAccumulator = try value.float("a number of at least \(least)\(most)") {
            (least...limit) ~= $0
        }
    }
}

extension OptimizerSettings.Method {
    fileprivate mutating func read(_ section: Section) throws(ConfigurationError) {
        switch self {
        case .sgd:
            break
        case .adagrad(let initial, let epsilon, let limit):
            self = try .adagrad(section, initial: initial, epsilon: epsilon, limit: limit)
        case .ftrl(let beta, let l1, let l2):
            let expected = "a number of at least 0"
            self = .ftrl(
                beta: try section["beta"]?.float("a number above 0") { $0 > 0 } ?? beta,
                l1: try section["l1"]?.float(expected) { $0 >= 0 } ?? l1,
                l2: try section["l2"]?.float(expected) { $0 >= 0 } ?? l2
            )
        }
    }

    private static func adagrad(
        _ section: Section,
        initial: Float,
        epsilon: Float,
        limit: Float
    ) throws(ConfigurationError) -> OptimizerSettings.Method {
        let expected = "a number of at least 0"
        let initial =
            try section["initial_accumulator"]?.float(expected) { $0 >= 0 } ?? initial
        let epsilon = try section["epsilon"]?.float(expected) { $0 >= 0 } ?? epsilon
        // The reciprocal square root needs a normal number.
        guard initial + epsilon >= Float.leastNormalMagnitude else {
            throw ConfigurationError(
                file: section.file,
                line: section["epsilon"]?.line ?? section.line,
                key: "optimizer.epsilon",
                problem:
                    "is \(epsilon) beside an initial_accumulator of \(initial): a first gradient of 0 "
                    + "would divide by 0"
            )
        }
        var limit = limit
        if let value = section["accumulator_max"] {
            limit =
                value.isWord("none")
                ? .greatestFiniteMagnitude : try value.float("a number above 0, or none") { $0 > 0 }
        }
        guard limit > initial else {
            throw ConfigurationError(
                file: section.file,
                line: section["accumulator_max"]?.line ?? section.line,
                key: "optimizer.accumulator_max",
                problem: "is \(limit), expected more than initial_accumulator, \(initial)"
            )
        }
        return .adagrad(initialAccumulator: initial, epsilon: epsilon, accumulatorMax: limit)
    }
}

extension NetworkSettings {
    private static let unitRange = 1...8_192
    private static let layerCountMax = 16

    fileprivate mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "model",
            keys: ["embedding_dimension", "experts", "gates", "towers", "wide"]
        )
        embeddingDimension =
            try section["embedding_dimension"]?.integer(in: 1...1_024) ?? embeddingDimension
        let experts = try section.section("experts", keys: ["count", "layers"])
        self.experts = try experts["count"]?.integer(in: 1...256) ?? self.experts
        if let value = experts["layers"] { expertLayers = try NetworkSettings.layers(value) }
        gates = try section["gates"]?.choice() ?? gates
        let towers = try section.section("towers", keys: ["layers"])
        if let value = towers["layers"] { towerLayers = try NetworkSettings.layers(value) }
        wide = try section["wide"]?.boolean() ?? wide
    }

    private static func layers(_ value: Value) throws(ConfigurationError) -> [Int] {
        var layers: [Int] = []
        for item in try value.items(limit: layerCountMax) {
            layers.append(try item.integer(in: unitRange))
        }
        guard !layers.isEmpty else { throw value.error("is empty, expected at least one layer") }
        return layers
    }
}

extension FocalLoss {
    fileprivate mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section("loss", keys: ["gamma", "alpha"])
        gamma = try section["gamma"]?.number("a number from 0 to 10") { (0...10) ~= $0 } ?? gamma
        if let value = section["alpha"] {
            alpha =
                value.isWord("none")
                ? nil
                : try value.number("a number between 0 and 1, both excluded, or none") {
                    $0 > 0 && $0 < 1
                }
        }
    }
}
