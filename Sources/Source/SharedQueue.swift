internal import Events

/// Records of one partition, copied from one fetch.
struct RecordBlock: Sendable {
    private struct Record {
        var header: RecordHeader
        var content: RecordContent
        var bytes: Range<Int>
    }

    private var records: [Record] = []
    private var payloads: [UInt8] = []

    var isEmpty: Bool { records.isEmpty }
    var byteCount: Int { payloads.count + records.count * MemoryLayout<Record>.stride }
    var firstOffset: Int64? { records.first?.header.offset }
    /// The offset after the last record's.
    var end: Int64 { records.last.map { $0.header.offset + $0.header.offsetCount } ?? .min }

    mutating func append(_ header: RecordHeader, _ content: RecordContent, _ payload: Span<UInt8>) {
        let start = payloads.count
        unsafe payload.withUnsafeBufferPointer { unsafe payloads.append(contentsOf: $0) }
        records.append(Record(header: header, content: content, bytes: start..<payloads.count))
    }

    /// Hands over the records from an offset on.
    func handOver(from position: Int64, into receive: RecordReceiver) {
        for record in records where record.header.offset >= position {
            receive(record.header, record.content, payloads.span.extracting(record.bytes))
        }
    }
}

/// The blocks of one partition that some reader has still to take, and where each reader stands.
struct SharedQueue: Sendable {
    /// By reader: the first offset that it has not taken.
    var positions: [Int64]
    private(set) var bytes = 0
    private var blocks: [RecordBlock] = []
    /// The source was told where to start, and so has checked that it can.
    private var isStartKnown: Bool

    init(positions: [Int64], isStartKnown: Bool) {
        self.positions = positions
        self.isStartKnown = isStartKnown
    }

    /// - Throws: when a reader's position lies before the first record although there were records.
    mutating func append(_ block: RecordBlock, of partition: Partition) throws(SourceError) {
        if !isStartKnown {
            isStartKnown = true
            let first = block.firstOffset ?? .max
            if let lost = positions.first(where: { $0 != .min && $0 < first && $0 > 0 }) {
                throw SourceError(
                    "\(partition.name)/\(partition.number): one of the configurations has read up "
                        + "to offset \(lost), but the first record there is now at \(first): "
                        + "start all of them with a new state directory"
                )
            }
        }
        blocks.append(block)
        bytes += block.byteCount
    }

    func hasBlock(reader: Int) -> Bool {
        blocks.contains { $0.end > positions[reader] }
    }

    /// The first block with something that the reader has not taken; it has taken it then.
    mutating func takeBlock(reader: Int) -> RecordBlock? {
        guard let block = blocks.first(where: { $0.end > positions[reader] }) else { return nil }
        positions[reader] = block.end
        return block
    }

    /// Drops the blocks that every reader has taken.
    /// - Returns: whether there were any.
    mutating func release() -> Bool {
        guard let slowest = positions.min() else { return false }
        let count = blocks.prefix { $0.end <= slowest }.count
        bytes -= blocks[..<count].reduce(0) { $0 + $1.byteCount }
        blocks.removeFirst(count)
        return count > 0
    }
}
