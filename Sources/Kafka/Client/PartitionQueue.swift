internal import CRdKafka

/// The queue of one assigned partition. Destroyed by the consumer that made it, in its deinit.
@safe
struct PartitionQueue {
    let topic: String
    let partition: Int32
    private let pointer: OpaquePointer

    init(
        client: KafkaClient,
        topic: String,
        partition: Int32,
        arrivals: ArrivalSignal
    ) throws(KafkaError) {
        guard
            let pointer = unsafe rd_kafka_queue_get_partition(client.handle, topic, partition)
        else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                operation: "read \(topic) partition \(partition)"
            )
        }
        // By default the queue feeds the consumer's common one; nil ends that.
        unsafe rd_kafka_queue_forward(pointer, nil)
        unsafe arrivals.attach(toQueue: pointer)
        self.topic = topic
        self.partition = partition
        unsafe self.pointer = pointer
    }

    func destroy() {
        unsafe ArrivalSignal.detach(fromQueue: pointer)
        unsafe rd_kafka_queue_destroy(pointer)
    }

    var count: Int { unsafe rd_kafka_queue_length(pointer) }

    /// librdkafka's batch call would save a lock per message, but in 2.0 it can lose messages.
    func next(waitMilliseconds: Int) -> KafkaMessage? {
        guard
            let message = unsafe rd_kafka_consume_queue(pointer, Int32(clamping: waitMilliseconds))
        else { return nil }
        return unsafe KafkaMessage(message)
    }
}
