internal import CRdKafka
internal import Glibc

/// A pipe into which librdkafka writes a byte when an empty queue gets something, so that one thread
/// can wait for many queues.
struct ArrivalSignal {
    private let readEnd: Int32
    private let writeEnd: Int32

    init() throws(KafkaError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw KafkaError(
                operation: "create a pipe",
                code: "_FAIL",
                reason: unsafe String(cString: strerror(errno))
            )
        }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    func attach(toQueue queue: OpaquePointer) {
        let byte: [UInt8] = [1]
        unsafe rd_kafka_queue_io_event_enable(queue, writeEnd, byte, byte.count)
    }

    static func detach(fromQueue queue: OpaquePointer) {
        unsafe rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
    }

    /// Waits for an arrival since the last wait, at most the given time.
    func wait(milliseconds: Int) {
        var entry = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, Int32(clamping: milliseconds)) > 0 else { return }
        unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { bytes in
            while unsafe read(readEnd, bytes.baseAddress, bytes.count) == bytes.count {}
        }
    }

    func close() {
        _ = Glibc.close(writeEnd)
        _ = Glibc.close(readEnd)
    }
}
