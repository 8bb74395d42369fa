import Foundation
import Glibc

/// Sends batches that no proper client would send: with a wrong checksum, or with gaps as compaction
/// leaves them. The embedded broker takes them; a real one refuses.
public enum CorruptBatch {
    /// Appends one batch of `recordCount` records to a partition, with a wrong checksum.
    /// - Parameter server: host:port of the partition's leader.
    public static func send(
        to server: String,
        topic: String,
        partition: Int32,
        recordCount: Int
    ) throws {
        let records = (0..<recordCount).map { (offset: $0, text: "bad") }
        try send(
            batch(records, offsetCount: recordCount, isSound: false),
            to: server,
            topic: topic,
            partition: partition
        )
    }

    /// Appends a sound batch that takes `offsetCount` offsets, of which only some hold a record.
    public static func sendCompacted(
        to server: String,
        topic: String,
        partition: Int32,
        records: [(offset: Int, text: String)],
        offsetCount: Int
    ) throws {
        try send(
            batch(records, offsetCount: offsetCount, isSound: true),
            to: server,
            topic: topic,
            partition: partition
        )
    }

    private static func send(
        _ batch: [UInt8],
        to server: String,
        topic: String,
        partition: Int32
    ) throws {
        let request = produceRequest(topic: topic, partition: partition, batch: batch)
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(connection) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(server.split(separator: ":")[1])!.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
        guard unsafe write(connection, request, request.count) == request.count else {
            throw POSIXError(.EPIPE)
        }
        // The answer comes when the batch is stored.
        var answer = [UInt8](repeating: 0, count: 4)
        guard unsafe read(connection, &answer, 4) == 4 else { throw POSIXError(.ECONNRESET) }
    }

    /// A ProduceRequest, version 7, acknowledged by all.
    private static func produceRequest(
        topic: String,
        partition: Int32,
        batch: [UInt8]
    ) -> [UInt8] {
        var body: [UInt8] = []
        body += bytes(Int16(0)) + bytes(Int16(7)) + bytes(Int32(1)) + bytes(Int16(-1))
        body += bytes(Int16(-1)) + bytes(Int16(-1)) + bytes(Int32(5_000))
        body += bytes(Int32(1)) + bytes(Int16(topic.utf8.count)) + Array(topic.utf8)
        body += bytes(Int32(1)) + bytes(partition) + bytes(Int32(batch.count)) + batch
        return bytes(Int32(body.count)) + body
    }

    /// A record batch, version 2. One that is not sound has the checksum 0.
    private static func batch(
        _ records: [(offset: Int, text: String)],
        offsetCount: Int,
        isSound: Bool
    ) -> [UInt8] {
        var rest: [UInt8] = bytes(Int16(0)) + bytes(Int32(offsetCount - 1))
        rest += bytes(Int64(1)) + bytes(Int64(1))
        rest += bytes(Int64(-1)) + bytes(Int16(-1)) + bytes(Int32(-1)) + bytes(Int32(offsetCount))
        for (offset, text) in records {
            let value = varint(text.utf8.count) + Array(text.utf8)
            let record = [0, 0] + varint(offset) + varint(-1) + value + [0]
            rest += varint(record.count) + record
        }
        let head: [UInt8] = bytes(Int32(0)) + [2] + bytes(isSound ? checksum(rest) : 0)
        return bytes(Int64(0)) + bytes(Int32(head.count + rest.count)) + head + rest
    }

    /// CRC-32C.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = .max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        return ~sum
    }

    private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        stride(from: Value.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: value >> $0)
        }
    }

    /// Zigzag, seven bits a byte.
    private static func varint(_ value: Int) -> [UInt8] {
        var rest = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
        var result: [UInt8] = []
        while rest > 0x7f {
            result.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return result + [UInt8(rest)]
    }
}
