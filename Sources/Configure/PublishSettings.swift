/// Where and when a run publishes its model for serving.
public struct PublishSettings: Equatable, Sendable {
    /// What a model is published as.
    public enum Format: String, CaseIterable, Sendable {
        case onnx, safetensors
    }

    /// The publication folder; nil: a run does not publish.
    public var directory: String?
    public var format = Format.onnx
    /// How many versions are kept, the published one included; at least 2.
    public var keep = 3
    public var gate = GateSettings()

    public init() {}
}

/// What a snapshot must keep to be published. A bound that is nil bounds nothing.
public struct GateSettings: Equatable, Sendable {
    /// Bounds on the figures of one task.
    public struct Bounds: Equatable, Sendable {
        public var normalizedEntropyMax: Double?
        /// Of Σ predicted / Σ actual.
        public var calibrationRatio: ClosedRange<Double>?

        public init(
            normalizedEntropyMax: Double? = nil,
            calibrationRatio: ClosedRange<Double>? = nil
        ) {
            self.normalizedEntropyMax = normalizedEntropyMax
            self.calibrationRatio = calibrationRatio
        }
    }

    /// The figures are of the newest mature cohorts that span these milliseconds; nil: of all.
    public var figuresOver: Int64?
    /// Fewest impressions that the figures are of.
    public var examplesMin: Int?
    public var ctr = Bounds()
    public var ctcvr = Bounds()
    /// How far stream time may be behind the clock, milliseconds.
    public var ageMax: Int64?
    /// Greatest difference of the mean prediction from the published model's, relative to that.
    public var shiftMax: Double?

    public init() {}
}

extension PublishSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section("publish", keys: ["directory", "format", "keep", "gate"])
        if let value = section["directory"] {
            directory = value.isWord("none") ? nil : try value.name()
        }
        format = try section["format"]?.choice() ?? format
        // A reader may still be at the version before the published one.
        keep = try section["keep"]?.integer(in: 2...10_000) ?? keep
        try gate.read(section)
    }

    func resolve(_ add: (String, [(String, String)]) -> Void) {
        add(
            "publish",
            [
                ("directory", directory.map(yamlText) ?? "none"), ("format", format.rawValue),
                ("keep", "\(keep)"),
            ]
        )
        add(
            "publish.gate",
            [
                ("figures_over", gate.figuresOver.map(DurationText.text) ?? "all"),
                ("min_examples", gate.examplesMin.map { "\($0)" } ?? "none"),
                ("max_age", gate.ageMax.map(DurationText.text) ?? "none"),
                ("max_shift", gate.shiftMax.map { "\($0)" } ?? "none"),
            ]
        )
        for (task, bounds) in [("ctr", gate.ctr), ("ctcvr", gate.ctcvr)] {
            add("publish.gate.\(task)", bounds.resolved)
        }
    }
}

extension GateSettings {
    fileprivate mutating func read(_ parent: Section) throws(ConfigurationError) {
        let section = try parent.section(
            "gate",
            keys: ["figures_over", "min_examples", "max_age", "max_shift", "ctr", "ctcvr"]
        )
        if let value = section["figures_over"] {
            figuresOver = value.isWord("all") ? nil : try value.duration(atLeast: 1_000)
        }
        if let value = section["min_examples"] {
            examplesMin = value.isWord("none") ? nil : try value.integer(in: 1...Int.max)
        }
        if let value = section["max_age"] {
            ageMax = value.isWord("none") ? nil : try value.duration(atLeast: 1_000)
        }
        if let value = section["max_shift"] {
            shiftMax =
                value.isWord("none")
                ? nil : try value.number("a number above 0, such as 0.2", where: { $0 > 0 })
        }
        try ctr.read(section, "ctr")
        try ctcvr.read(section, "ctcvr")
    }
}

extension GateSettings.Bounds {
    fileprivate mutating func read(_ gate: Section, _ task: String) throws(ConfigurationError) {
        let section = try gate.section(task, keys: ["max_normalized_entropy", "calibration_ratio"])
        if let value = section["max_normalized_entropy"] {
            normalizedEntropyMax =
                value.isWord("none")
                ? nil : try value.number("a number above 0, such as 0.95", where: { $0 > 0 })
        }
        if let value = section["calibration_ratio"] {
            calibrationRatio = value.isWord("none") ? nil : try value.ratios()
        }
    }

    fileprivate var resolved: [(String, String)] {
        [
            ("max_normalized_entropy", normalizedEntropyMax.map { "\($0)" } ?? "none"),
            (
                "calibration_ratio",
                calibrationRatio.map { yamlList(["\($0.lowerBound)", "\($0.upperBound)"]) }
                    ?? "none"
            ),
        ]
    }
}

extension Value {
    /// A least and a greatest ratio.
    fileprivate func ratios() throws(ConfigurationError) -> ClosedRange<Double> {
        let items = try items(limit: 2)
        guard items.count == 2 else {
            throw error("has \(items.count) items, expected the least and the greatest ratio")
        }
        let expected = "a number of at least 0, such as 0.8"
        let low = try items[0].number(expected, where: { $0 >= 0 })
        let high = try items[1].number(expected, where: { $0 >= 0 })
        guard low <= high else {
            throw error("is [\(low), \(high)], expected the least ratio first")
        }
        return low...high
    }
}
