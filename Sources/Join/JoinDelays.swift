/// How long clicks and conversions take, over all that found what they refer to. Whether one came
/// too late is what the join decided: its place is `applied` or `late`.
public struct JoinDelays: Equatable, Sendable {
    /// From the impression to its click, further clicks apart.
    public internal(set) var clicks = DelayHistogram()
    /// From an applied click to its conversion, further conversions apart.
    public internal(set) var conversions = DelayHistogram()

    public init() {}
}
