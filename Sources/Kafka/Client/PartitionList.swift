internal import CRdKafka

/// librdkafka's list of topic partitions with an offset each.
@safe
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ entries: some Collection<(topic: String, partition: Int32, offset: Int64)>) {
        unsafe pointer = rd_kafka_topic_partition_list_new(Int32(clamping: entries.count))
        for entry in entries {
            let added = unsafe rd_kafka_topic_partition_list_add(
                pointer,
                entry.topic,
                entry.partition
            )
            unsafe added?.pointee.offset = entry.offset
        }
    }

    deinit {
        unsafe rd_kafka_topic_partition_list_destroy(pointer)
    }

    var count: Int { unsafe Int(pointer.pointee.cnt) }

    /// The offset of the entry at `index`, in the order in which they were given.
    func offset(at index: Int) -> Int64 {
        precondition((0..<count).contains(index))
        return unsafe pointer.pointee.elems[index].offset
    }

    /// The first error of any entry.
    var firstError: rd_kafka_resp_err_t {
        for index in 0..<count {
            let code = unsafe pointer.pointee.elems[index].err
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { return code }
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR
    }
}
