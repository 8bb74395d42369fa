/// Where to start in a topic that no snapshot holds a position of.
public enum KafkaStart: Equatable, Sendable {
    /// At the oldest record that is still there.
    case earliest
    /// At the end: only records that are yet to come.
    case latest
    /// At the first record whose Kafka timestamp is this or later, milliseconds since the epoch.
    case timestamp(Int64)
}

/// How far to read.
public enum KafkaExtent: Equatable, Sendable {
    /// On and on.
    case live
    /// To the end offsets that the topics have when the source is opened, which makes a replay end,
    /// and end the same way however often it is restarted in between.
    case untilEndAtStart
}
