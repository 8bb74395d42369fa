/// How a live stream decides that nothing earlier is coming. All times are milliseconds.
public struct OrderSettings: Equatable, Sendable {
    /// How far the clock must have passed a record's time before a partition that is caught up stops
    /// holding it back.
    public var orderingDelay: Int64
    /// Whether stream time follows the clock while every partition is caught up.
    public var idleAdvance: Bool

    public init(orderingDelay: Int64 = 2_000, idleAdvance: Bool = true) {
        self.orderingDelay = orderingDelay
        self.idleAdvance = idleAdvance
    }
}
