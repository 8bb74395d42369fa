internal import CRdKafka

/// What Kafka, or the library that speaks to it, refused to do.
public struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, and with what: "read the partitions of topic clicks".
    public var operation: String
    /// librdkafka's name of the error, for example `_TIMED_OUT`; names with an underscore come from
    /// the library itself, the others from the broker.
    public var code: String
    /// One clause for people, in librdkafka's own words where it has any.
    public var reason: String
    /// Whether the client that threw it is of no further use.
    public var isFatal: Bool

    /// Whether nothing went wrong: the wait was given up because the caller was told to stop.
    public var isStop: Bool { code == Self.stopCode }

    public init(operation: String, code: String, reason: String, isFatal: Bool = false) {
        self.operation = operation
        self.code = code
        self.reason = reason
        self.isFatal = isFatal
    }

    public var description: String { "cannot \(operation): \(reason) (\(code))" }
}

extension KafkaError {
    /// Errors that end by themselves, or with a broker's return.
    public var isTransient: Bool {
        switch code {
        case "_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_RESOLVE",
            "_NODE_UPDATE", "_WAIT_COORD", "_WAIT_CACHE", "REQUEST_TIMED_OUT",
            "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "BROKER_NOT_AVAILABLE",
            "REPLICA_NOT_AVAILABLE", "NETWORK_EXCEPTION", "KAFKA_STORAGE_ERROR",
            "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE",
            "THROTTLING_QUOTA_EXCEEDED", "COORDINATOR_LOAD_IN_PROGRESS",
            "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR":
            true
        default: false
        }
    }

    private static let stopCode = "_STOPPED"

    /// The error of a wait for `operation` that was given up.
    public static func stopped(_ operation: String) -> KafkaError {
        KafkaError(operation: operation, code: stopCode, reason: "stopped while waiting for it")
    }

    init(_ code: rd_kafka_resp_err_t, operation: String, reason: String? = nil) {
        let words = unsafe String(cString: rd_kafka_err2str(code))
        self.init(
            operation: operation,
            code: unsafe String(cString: rd_kafka_err2name(code)),
            reason: reason ?? words,
            isFatal: code == RD_KAFKA_RESP_ERR__FATAL
        )
    }
}
