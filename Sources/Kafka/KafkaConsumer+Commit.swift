internal import CRdKafka

extension KafkaConsumer {
    /// Sends positions (the next offsets to be applied) to the consumer group, for other tools to see,
    /// and does not wait; `commitAnswer` tells what came of it. Freshet itself never reads them back.
    public func beginCommit(_ positions: [Start]) throws(KafkaError) {
        let list = PartitionList(positions.map { ($0.topic, $0.partition, $0.offset) })
        let code = unsafe rd_kafka_commit_queue(
            client.handle,
            list.pointer,
            commitAnswers,
            nil,
            nil
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, operation: commitOperation)
        }
    }

    /// The next answer to a commit, waiting for it at most the given time; nil if there is none.
    public func commitAnswer(waitMilliseconds: Int = 0) -> Result<Void, KafkaError>? {
        guard
            let event = unsafe rd_kafka_queue_poll(
                commitAnswers,
                Int32(clamping: waitMilliseconds)
            )
        else { return nil }
        defer { unsafe rd_kafka_event_destroy(event) }
        var code = unsafe rd_kafka_event_error(event)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR,
            let entries = unsafe rd_kafka_event_topic_partition_list(event)
        {
            // The group may take some positions and refuse others.
            for index in unsafe 0..<Int(entries.pointee.cnt)
            where code == RD_KAFKA_RESP_ERR_NO_ERROR {
                code = unsafe entries.pointee.elems[index].err
            }
        }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return .success(()) }
        return .failure(KafkaError(code, operation: commitOperation))
    }

    private var commitOperation: String { "commit offsets to \(client.servers)" }
}
