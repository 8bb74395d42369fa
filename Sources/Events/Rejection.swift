/// Why a record was quarantined. The raw value is what logs, metrics and the quarantine file say.
public enum RejectionReason: String, CaseIterable, Sendable {
    case malformedJSON = "malformed_json"
    case nullPayload = "null_payload"
    case recordTooLarge = "record_too_large"
    case missingField = "missing_field"
    case wrongType = "wrong_type"
    case nonFinite = "non_finite"
    case timeTooEarly = "time_too_early"
    case timeTooFarAhead = "time_too_far_ahead"
    case corruptBatch = "corrupt_batch"
    /// The operator left it out.
    case skipped
}

/// A record that is not an event, and why.
public struct Rejection: Error, Equatable, Sendable {
    public var reason: RejectionReason
    /// One clause for people: which field, what was found, what was expected.
    public var detail: String

    public init(_ reason: RejectionReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
