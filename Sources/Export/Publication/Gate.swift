public import Configure
public import Learn
public import Pipeline

/// What a gate looks at.
public struct GateCandidate: Sendable {
    public var parameters: [Float]
    public var silence: SilenceReport
    public var metrics: Metrics
    /// nil before anything was applied.
    public var streamTime: Int64?

    public init(
        parameters: [Float],
        silence: SilenceReport,
        metrics: Metrics,
        streamTime: Int64?
    ) {
        self.parameters = parameters
        self.silence = silence
        self.metrics = metrics
        self.streamTime = streamTime
    }

    public init(_ snapshot: ServingSnapshot) {
        self.init(
            parameters: snapshot.parameters,
            silence: snapshot.body.summary.silence,
            metrics: snapshot.metrics,
            streamTime: snapshot.body.summary.streamTime
        )
    }
}

/// Decides whether a snapshot may be published.
public struct Gate: Sendable {
    public let settings: GateSettings

    public init(_ settings: GateSettings) {
        self.settings = settings
    }

    /// All bounds that the candidate does not keep; none: it may be published.
    ///
    /// - Parameters:
    ///   - now: milliseconds since the epoch, by the caller's clock.
    ///   - shift: how far predictions are from the published model's, asked for only if that is
    ///     bounded; nil if there is nothing to compare with.
    public func refusals(
        _ candidate: GateCandidate,
        now: Int64,
        shift: () throws(ExportError) -> PredictionShift?
    ) throws(ExportError) -> [Refusal] {
        var refusals: [Refusal] = []
        let infinite = candidate.parameters.count { !$0.isFinite }
        if infinite > 0 {
            refusals.append(
                Refusal(
                    .finiteParameters,
                    finding: "\(infinite) of \(candidate.parameters.count) are not"
                )
            )
        }
        refusals += silence(candidate.silence)
        refusals += figures(candidate.metrics)
        refusals += age(candidate.streamTime, now: now)
        // A model that is not finite predicts nothing to compare.
        if let limit = settings.shiftMax, infinite == 0, let shift = try shift() {
            refusals += shift.refusals(limit: limit)
        }
        return refusals
    }

    private func silence(_ report: SilenceReport) -> [Refusal] {
        [("clicks", report.clicks), ("conversions", report.conversions)].compactMap { name, kind in
            kind.map {
                Refusal(
                    .noSilence,
                    finding: "\(name) have been since \(Timestamp.text($0.since))"
                )
            }
        }
    }

    private func age(_ streamTime: Int64?, now: Int64) -> [Refusal] {
        guard let limit = settings.ageMax else { return [] }
        guard let streamTime else {
            return [
                Refusal(
                    .ageMax,
                    limit: DurationText.text(limit),
                    finding: "nothing has been applied yet"
                )
            ]
        }
        let (age, overflow) = now.subtractingReportingOverflow(streamTime)
        guard overflow ? streamTime < 0 : age > limit else { return [] }
        return [
            Refusal(
                .ageMax,
                limit: DurationText.text(limit),
                finding:
                    "stream time is \(DurationText.text(overflow ? .max : age)) behind the clock"
            )
        ]
    }
}

extension Gate {
    private func figures(_ metrics: Metrics) -> [Refusal] {
        let boundsFigures =
            settings.examplesMin != nil || settings.ctr != .init() || settings.ctcvr != .init()
        guard boundsFigures else { return [] }
        guard let figures = metrics.matureFigures(over: settings.figuresOver) else {
            return [Refusal(.maturity, finding: "there are no mature figures yet")]
        }
        var refusals: [Refusal] = []
        if let limit = settings.examplesMin, figures.ctr.count < limit {
            refusals.append(
                Refusal(
                    .examplesMin,
                    limit: "\(limit)",
                    finding: "the figures are of \(figures.ctr.count) impressions"
                )
            )
        }
        refusals += Self.entropy(
            settings.ctr,
            figures.ctr,
            .ctrNormalizedEntropyMax
        )
        refusals += Self.calibration(settings.ctr, figures.ctr, .ctrCalibrationRatio)
        refusals += Self.entropy(settings.ctcvr, figures.ctcvr, .ctcvrNormalizedEntropyMax)
        refusals += Self.calibration(settings.ctcvr, figures.ctcvr, .ctcvrCalibrationRatio)
        return refusals
    }

    private static func entropy(
        _ bounds: GateSettings.Bounds,
        _ figures: TaskFigures,
        _ bound: Refusal.Bound
    ) -> [Refusal] {
        guard let limit = bounds.normalizedEntropyMax else { return [] }
        if let value = figures.normalizedEntropy, value <= limit { return [] }
        return [Refusal(bound, limit: "\(limit)", figure: figures.normalizedEntropy, figures.count)]
    }

    private static func calibration(
        _ bounds: GateSettings.Bounds,
        _ figures: TaskFigures,
        _ bound: Refusal.Bound
    ) -> [Refusal] {
        guard let range = bounds.calibrationRatio else { return [] }
        if let value = figures.calibration, range.contains(value) { return [] }
        return [
            Refusal(
                bound,
                limit: "[\(range.lowerBound), \(range.upperBound)]",
                figure: figures.calibration,
                figures.count
            )
        ]
    }
}

extension Refusal {
    /// A figure that is out of bounds, or that the scored impressions do not define.
    fileprivate init(_ bound: Bound, limit: String, figure: Double?, _ count: Int) {
        self.init(
            bound,
            limit: limit,
            finding: figure.map { "it is \($0) over \(count) impressions" }
                ?? "\(count) impressions do not define it"
        )
    }
}
