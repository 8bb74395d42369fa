import Configure
import Events
import Export
import Foundation
import Join
import Learn
import Pipeline
import Testing

@Suite("The gate")
struct GateTests {
    private static let hour: Int64 = 3_600_000
    private static let now: Int64 = 1_000 * hour

    /// An impression's outcome, against logits for which the calibration stands for ¼ and ⅛.
    private struct Outcome {
        var hour: Int64
        var clicked: Bool
        var converted = false
        var weight: Float = 1
    }

    /// γ = 0: probabilities are the logits' own.
    private static let calibration = Calibration(FocalLoss(gamma: 0, alpha: nil))

    /// Predicts p(click) = ¼ and p(click and conversion) = ⅛ for each.
    private static func metrics(_ outcomes: [Outcome], through: Int64) -> Metrics {
        var metrics = Metrics(cohortWidth: hour, maturity: hour)
        for outcome in outcomes {
            metrics.score(
                Example(
                    time: 0,
                    impressionTime: outcome.hour * hour,
                    labels: Labels(ctr: outcome.clicked, ctcvr: outcome.converted),
                    ctrWeight: outcome.weight,
                    ctcvrWeight: outcome.weight,
                    prediction: Prediction(ctrLogit: Float(-log(3.0)), cvrLogit: 0)
                ),
                calibration: calibration
            )
        }
        metrics.matureThrough(through * hour)
        return metrics
    }

    /// Hour 0: 8 impressions with 2 clicks and 1 conversion, just as predicted. Hour 1: 8 with 6 clicks.
    private static let collapse = metrics(
        (0..<8).map { Outcome(hour: 0, clicked: $0 < 2, converted: $0 < 1) }
            + (0..<8).map { Outcome(hour: 1, clicked: $0 < 6) },
        through: 4
    )

    private static func candidate(_ metrics: Metrics = collapse) -> GateCandidate {
        GateCandidate(
            parameters: [0.5, -1],
            silence: SilenceReport(JoinSilence()),
            metrics: metrics,
            streamTime: now - 60_000
        )
    }

    private static func refusals(
        _ candidate: GateCandidate = candidate(),
        shift: PredictionShift? = nil,
        _ change: (inout GateSettings) -> Void = { _ in }
    ) throws -> [Refusal] {
        var settings = GateSettings()
        change(&settings)
        return try Gate(settings).refusals(candidate, now: now) { shift }
    }

    @Test("lets a snapshot through that keeps all bounds")
    func passes() throws {
        let shift = PredictionShift(
            impressions: 4,
            published: Probabilities(ctr: 0.2, cvr: 0.5, ctcvr: 0.1),
            candidate: Probabilities(ctr: 0.22, cvr: 0.5, ctcvr: 0.09)
        )
        let refusals = try Self.refusals(shift: shift) {
            $0.examplesMin = 16
            $0.ageMax = 60_000
            $0.shiftMax = 0.11
            $0.ctr = .init(normalizedEntropyMax: 1.21, calibrationRatio: 0.499...0.501)
            $0.ctcvr = .init(normalizedEntropyMax: 1.2, calibrationRatio: 1.99...2.01)
        }
        #expect(refusals == [], "\(refusals)")
        #expect(try Self.refusals() == [])
    }

    @Test("refuses parameters that are not finite, whatever is configured")
    func finite() throws {
        for value in [Float.nan, .infinity, -.infinity] {
            var broken = Self.candidate()
            broken.parameters = [0, value, 1, value]
            let refusals = try Self.refusals(broken) { $0.shiftMax = 0.1 }
            #expect(refusals.map(\.bound) == [.finiteParameters])
            #expect(refusals.first?.description.contains("2 of 4") == true)
        }
    }

    @Test("refuses while a producer is silent, whatever is configured")
    func silence() throws {
        let silent = Silence(since: 946_684_800_000, rate: 0, trailingRate: 0.1)
        for (silence, name) in [
            (JoinSilence(clicks: silent), "clicks"),
            (JoinSilence(conversions: silent), "conversions"),
        ] {
            var candidate = Self.candidate()
            candidate.silence = SilenceReport(silence)
            let refusals = try Self.refusals(candidate)
            #expect(refusals.map(\.bound) == [.noSilence])
            #expect(refusals.first?.finding == "\(name) have been since 2000-01-01")
        }
    }

    /// ln(4/3) for a negative, ln 4 for a positive at p = ¼.
    private static func entropyCTR(positives: Double, of count: Double) -> Double {
        let rate = positives / count
        let loss = rate * log(4.0) + (1 - rate) * log(4.0 / 3)
        return loss / -(rate * log(rate) + (1 - rate) * log(1 - rate))
    }

    @Test("derives figures of all and of the newest cohorts as by hand")
    func figures() throws {
        let all = try #require(Self.collapse.matureFigures(over: nil))
        #expect(all.ctr.count == 16)
        #expect(abs(all.ctr.calibration! - 0.5) < 1e-6)
        // Of all at once and of both cohorts one by one.
        for span in [nil, 2 * Self.hour, 100 * Self.hour] {
            let figures = try #require(Self.collapse.matureFigures(over: span))
            #expect(figures.ctr.count == 16)
            #expect(abs(figures.ctr.calibration! - 0.5) < 1e-6)
            let expected = Self.entropyCTR(positives: 8, of: 16)
            #expect(abs(figures.ctr.normalizedEntropy! - expected) < 1e-6)
            #expect(abs(figures.ctcvr.calibration! - 2) < 1e-6)
        }
        for span in [1, Self.hour] {
            let newest = try #require(Self.collapse.matureFigures(over: span))
            #expect(newest.ctr.count == 8)
            #expect(abs(newest.ctr.calibration! - 2.0 / 6) < 1e-6)
            let expected = Self.entropyCTR(positives: 6, of: 8)
            #expect(abs(newest.ctr.normalizedEntropy! - expected) < 1e-6)
            #expect(newest.ctcvr.calibration == nil && newest.ctcvr.normalizedEntropy == nil)
        }
        let both = try #require(Self.collapse.matureFigures(over: Self.hour + 1))
        #expect(both.ctr.count == 16)
    }

    @Test("derives figures of weighted impressions over cohorts by their weights")
    func weights() throws {
        let metrics = Self.metrics(
            [
                Outcome(hour: 0, clicked: true, weight: 3), Outcome(hour: 0, clicked: false),
                Outcome(hour: 1, clicked: true), Outcome(hour: 1, clicked: false, weight: 11),
            ],
            through: 4
        )
        let figures = try #require(metrics.matureFigures(over: 2 * Self.hour))
        #expect(figures.ctr.count == 4)
        // ¼ of 16, of which 4 clicked.
        #expect(abs(figures.ctr.calibration! - 1) < 1e-6)
        let expected = Self.entropyCTR(positives: 4, of: 16)
        #expect(abs(figures.ctr.normalizedEntropy! - expected) < 1e-6)
    }

    @Test(
        "refuses figures beyond each bound, and says which, by what",
        arguments: [
            (Refusal.Bound.examplesMin, "17", "the figures are of 16 impressions"),
            (.ctrNormalizedEntropyMax, "1.1", "it is 1.2075"),
            (.ctrCalibrationRatio, "[0.8, 1.25]", "it is 0."),
            (.ctcvrNormalizedEntropyMax, "0.5", "it is 1.09"),
            (.ctcvrCalibrationRatio, "[0.8, 1.25]", "it is "),
        ]
    )
    func bounds(_ bound: Refusal.Bound, _ limit: String, _ finding: String) throws {
        let refusals = try Self.refusals {
            switch bound {
            case .examplesMin: $0.examplesMin = 17
            case .ctrNormalizedEntropyMax: $0.ctr.normalizedEntropyMax = 1.1
            case .ctrCalibrationRatio: $0.ctr.calibrationRatio = 0.8...1.25
            case .ctcvrNormalizedEntropyMax: $0.ctcvr.normalizedEntropyMax = 0.5
            default: $0.ctcvr.calibrationRatio = 0.8...1.25
            }
        }
        #expect(refusals.map(\.bound) == [bound])
        #expect(refusals.first?.limit == limit)
        #expect(refusals.first?.finding.hasPrefix(finding) == true, "\(refusals)")
        #expect(refusals.first?.description.hasPrefix("publish.gate.") == true)
    }

    @Test("sees a collapse of the newest cohorts that all together hide")
    func collapse() throws {
        let bounds = GateSettings.Bounds(calibrationRatio: 0.4...1.25)
        #expect(try Self.refusals { $0.ctr = bounds } == [])
        let refusals = try Self.refusals {
            $0.ctr = bounds
            $0.figuresOver = Self.hour
        }
        #expect(refusals.map(\.bound) == [.ctrCalibrationRatio])
    }

    @Test("refuses a figure that is not defined")
    func undefined() throws {
        let noClicks = Self.metrics([Outcome(hour: 0, clicked: false)], through: 4)
        let refusals = try Self.refusals(Self.candidate(noClicks)) {
            $0.ctr = .init(normalizedEntropyMax: 9, calibrationRatio: 0...9)
        }
        #expect(refusals.map(\.bound) == [.ctrNormalizedEntropyMax, .ctrCalibrationRatio])
        #expect(refusals.allSatisfy { $0.finding == "1 impressions do not define it" })
    }

    @Test("refuses for want of mature figures only where figures are bounded")
    func immature() throws {
        let young = Self.metrics([Outcome(hour: 0, clicked: true)], through: 1)
        #expect(young.matureFigures(over: nil) == nil)
        #expect(try Self.refusals(Self.candidate(young)) { $0.ageMax = 60_000 } == [])
        let refusals = try Self.refusals(Self.candidate(young)) {
            $0.examplesMin = 1
            $0.ctr.normalizedEntropyMax = 1
        }
        #expect(refusals.map(\.bound) == [.maturity])
        #expect(refusals.first?.description.contains("no mature figures yet") == true)
    }

    @Test("refuses a stream that is behind, and one that has not begun")
    func age() throws {
        #expect(try Self.refusals { $0.ageMax = 60_000 } == [])
        let refusals = try Self.refusals { $0.ageMax = 59_000 }
        #expect(
            refusals.map(\.description) == [
                "publish.gate.max_age is 59s, but stream time is 1m behind the clock"
            ]
        )
        var candidate = Self.candidate()
        candidate.streamTime = nil
        #expect(try Self.refusals(candidate) { $0.ageMax = 59_000 }.map(\.bound) == [.ageMax])
        candidate.streamTime = .min
        #expect(try Self.refusals(candidate) { $0.ageMax = 59_000 }.map(\.bound) == [.ageMax])
        candidate.streamTime = .max
        #expect(try Self.refusals(candidate) { $0.ageMax = 59_000 } == [])
    }

    @Test("refuses a shift of either mean in either direction, and NaN")
    func shift() throws {
        func refused(_ ctr: Double, _ ctcvr: Double, of impressions: Int = 4) throws -> [Refusal] {
            let shift = PredictionShift(
                impressions: impressions,
                published: Probabilities(ctr: 0.2, cvr: 0.5, ctcvr: 0.1),
                candidate: Probabilities(ctr: ctr, cvr: 0.5, ctcvr: ctcvr)
            )
            return try Self.refusals(shift: shift) { $0.shiftMax = 0.25 }
        }
        #expect(try refused(0.249, 0.0751) == [])
        #expect(try refused(0.26, 0.1).map(\.bound) == [.shiftMax])
        #expect(try refused(0.14, 0.1).first?.finding.contains("mean ctr of 4") == true)
        #expect(try refused(0.2, 0.07).first?.finding.contains("mean ctcvr of 4") == true)
        #expect(try refused(.nan, .nan).count == 2)
        #expect(try refused(0.2, 0.1, of: 0).map(\.bound) == [.shiftMax])
        #expect(try Self.refusals(shift: nil) { $0.shiftMax = 0.25 } == [])
        #expect(PredictionShift.relative(0, 0) == 0 && PredictionShift.relative(0, 1) == .infinity)
    }

    @Test("tells all that failed at once")
    func all() throws {
        var candidate = Self.candidate()
        candidate.parameters = [.nan]
        let refusals = try Self.refusals(candidate) {
            $0.examplesMin = 100
            $0.ageMax = 1_000
            $0.ctr.calibrationRatio = 1...1
        }
        #expect(
            Set(refusals.map(\.bound))
                == [.finiteParameters, .examplesMin, .ageMax, .ctrCalibrationRatio]
        )
    }
}
