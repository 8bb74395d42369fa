public import Events

/// Carries a generated stream to a sink, as far as it is told to, and keeps the account.
public struct StreamFeed<Sink: GeneratedEventSink & ~Copyable>: ~Copyable {
    public private(set) var generator: StreamGenerator
    public var sink: Sink
    public private(set) var oracle = Oracle()
    /// Events sent, by the raw value of their role.
    public private(set) var counts = [0, 0, 0]
    public private(set) var firstTime: Int64?
    public private(set) var lastTime: Int64?
    /// The event that is next, its bytes in the generator.
    private var ahead: GeneratedEvent?

    public init(_ generator: consuming StreamGenerator, to sink: consuming Sink) {
        self.generator = generator
        self.sink = sink
        ahead = self.generator.next()
    }

    public func count(of role: Role) -> Int { counts[Int(role.rawValue)] }

    /// The time of the next event; nil after the last.
    public var nextTime: Int64? { ahead?.time }

    /// Sends the next event.
    /// - Returns: false after the last.
    /// - Throws: what the sink throws.
    @discardableResult
    public mutating func step() throws -> Bool {
        guard let event = ahead else { return false }
        try sink.send(event, key: generator.key.span, payload: generator.payload.span)
        oracle.add(event)
        counts[Int(event.role.rawValue)] += 1
        if firstTime == nil { firstTime = event.time }
        lastTime = event.time
        ahead = generator.next()
        return true
    }

    /// Sends all events timed up to `time`, or all that there are.
    /// - Throws: what the sink throws.
    public mutating func send(through time: Int64 = .max) throws {
        while let event = ahead, event.time <= time { try step() }
    }
}
