public import Events

/// One generated event. Its bytes are in the generator's `payload` and `key` until the next one.
public struct GeneratedEvent: Sendable, BitwiseCopyable {
    /// What is deliberately wrong with an event.
    public enum Flaw: UInt8, Sendable, BitwiseCopyable {
        case none, duplicate, orphan, late
    }

    public var role: Role
    /// Event time, milliseconds since the epoch.
    public var time: Int64
    public var flaw: Flaw
    /// An impression of the ad that appears in the middle of the stream, or what follows from one.
    public var isNewAd: Bool
    /// What the generator knows of an impression; nil for clicks and conversions.
    public var planted: PlantedOutcome?
}

/// The planted probabilities of an impression and what was drawn from them.
public struct PlantedOutcome: Equatable, Sendable, BitwiseCopyable {
    public var probability: PlantedProbability
    public var isClicked: Bool
    public var isConverted: Bool
    /// Whether the truth in force was the one after the shift.
    public var isShifted: Bool

    public init(
        probability: PlantedProbability,
        isClicked: Bool,
        isConverted: Bool,
        isShifted: Bool = false
    ) {
        self.probability = probability
        self.isClicked = isClicked
        self.isConverted = isConverted
        self.isShifted = isShifted
    }
}

/// Where generated events go.
public protocol GeneratedEventSink: ~Copyable {
    /// - Parameters:
    ///   - key: the text of the impression id to which the event belongs.
    ///   - payload: the event's JSON object.
    mutating func send(
        _ event: GeneratedEvent,
        key: Span<UInt8>,
        payload: Span<UInt8>
    ) throws
}
