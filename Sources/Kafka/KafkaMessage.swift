internal import CRdKafka

/// What a partition's queue gave: a record, its end, or an error. Owns librdkafka's message, whose
/// payload is lent, not copied. It has to go before its consumer does, or the consumer waits for it.
@safe
public struct KafkaMessage: ~Copyable {
    public enum Kind: Equatable, Sendable {
        case record
        /// All records below `offset` have been handed over; there is none yet at `offset`.
        case endOfPartition
        case failure(KafkaError)
    }

    private let pointer: UnsafeMutablePointer<rd_kafka_message_t>

    init(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe rd_kafka_message_destroy(pointer)
    }

    public var kind: Kind {
        switch unsafe pointer.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: .record
        case RD_KAFKA_RESP_ERR__PARTITION_EOF: .endOfPartition
        case let code:
            .failure(
                KafkaError(
                    code,
                    operation: "read from Kafka",
                    reason: unsafe String(cString: rd_kafka_message_errstr(pointer))
                )
            )
        }
    }

    /// The record's offset, the partition's end, or where the error is (negative if unknown).
    public var offset: Int64 { unsafe pointer.pointee.offset }

    /// Milliseconds since the epoch, as given by the producer or the broker; nil if there is none.
    public var timestamp: Int64? {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = unsafe rd_kafka_message_timestamp(pointer, &type)
        return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time < 0 ? nil : time
    }

    /// Whether the record has no value at all (a tombstone), which is not an empty one.
    public var isNull: Bool { unsafe pointer.pointee.payload == nil }

    /// The payload's length in bytes.
    public var byteCount: Int { isNull ? 0 : unsafe pointer.pointee.len }

    /// Lends the payload's bytes, none for a null one.
    public func withPayload<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        unsafe body(
            UnsafeRawBufferPointer(start: pointer.pointee.payload, count: byteCount)
                .bindMemory(to: UInt8.self).span
        )
    }
}
