/// How long a broker is waited for.
struct Patience {
    /// For one answer.
    var milliseconds: Int
    /// Whether the caller has been told to stop.
    var shouldStop: () -> Bool
}
