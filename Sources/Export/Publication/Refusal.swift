/// A bound that a snapshot does not keep, and by what.
public struct Refusal: Equatable, Sendable, CustomStringConvertible {
    public enum Bound: String, Sendable {
        /// These hold always.
        case finiteParameters = "parameters must be finite"
        case noSilence = "no producer may be silent"
        /// Any bound on figures.
        case maturity = "publish.gate bounds figures"
        case examplesMin = "publish.gate.min_examples"
        case ageMax = "publish.gate.max_age"
        case shiftMax = "publish.gate.max_shift"
        case ctrNormalizedEntropyMax = "publish.gate.ctr.max_normalized_entropy"
        case ctrCalibrationRatio = "publish.gate.ctr.calibration_ratio"
        case ctcvrNormalizedEntropyMax = "publish.gate.ctcvr.max_normalized_entropy"
        case ctcvrCalibrationRatio = "publish.gate.ctcvr.calibration_ratio"
    }

    public var bound: Bound
    /// The bound's value; nil for one that has none.
    public var limit: String?
    /// What the snapshot has: "ctr normalized entropy is 1.02 (51,234 impressions)".
    public var finding: String

    public init(_ bound: Bound, limit: String? = nil, finding: String) {
        self.bound = bound
        self.limit = limit
        self.finding = finding
    }

    public var description: String {
        bound.rawValue + (limit.map { " is \($0)" } ?? "") + ", but \(finding)"
    }
}
