internal import Events

/// A file of records, in a box, as an array holds no values that cannot be copied.
final class FilePartition {
    var file: RecordFile

    init(path: String, recordBytesMax: Int, start: Int64) throws(SourceError) {
        file = try RecordFile(path: path, recordBytesMax: recordBytesMax, start: start)
    }
}

/// One file of records, read from its start.
struct RecordFile: ~Copyable {
    /// Records handed over at a time.
    private static let recordCountMax = 256

    let path: String
    private var lines: LineReader
    private let recordBytesMax: Int
    /// The first offset to be handed over.
    private let start: Int64
    /// The offset after the last one read.
    private var nextOffset: Int64 = 0

    init(path: String, recordBytesMax: Int, start: Int64) throws(SourceError) {
        self.path = path
        self.recordBytesMax = min(recordBytesMax, 1 << 40)
        self.start = start
        lines = try LineReader(
            path: path,
            lineBytesMax: self.recordBytesMax + RecordedLine.prefixBytesMax,
            headBytesMax: RecordedLine.prefixBytesMax
        )
    }

    var byteCount: Int { lines.bytes.byteCount }
    var bytesRead: Int { lines.bytes.bytesRead }
    var isAtEnd: Bool { lines.isAtEnd }

    /// Hands over the next records; none only at the end of the file.
    mutating func fetch(into receive: RecordReceiver) throws(SourceError) {
        var count = 0
        while count < Self.recordCountMax {
            let lineNumber = lines.lineNumber
            guard let line = try lines.next() else { break }
            switch line {
            case .whole(let range):
                if try handOver(range, lineNumber, receive) { count += 1 }
            case .tooLong(let byteCount):
                let prefix = RecordedLine(lines.head.span)
                if let header = try header(prefix, lineNumber) {
                    let content = RecordContent.tooLarge(
                        byteCount: byteCount - payloadStart(prefix)
                    )
                    receive(header, content, Span())
                    count += 1
                }
            }
        }
        let end = max(nextOffset, Int64(lines.lineNumber))
        if lines.isAtEnd && end < start {
            throw SourceError(
                "\(path): ends at offset \(end), but is to be resumed at \(start); "
                    + "it was cut or replaced"
            )
        }
    }

    /// Hands over one line; false if it is blank or lies before the start.
    private mutating func handOver(
        _ range: Range<Int>,
        _ lineNumber: Int,
        _ receive: RecordReceiver
    ) throws(SourceError) -> Bool {
        let prefix = RecordedLine(lines.buffer.span.extracting(range))
        if prefix == nil && isBlank(range) { return false }
        guard let header = try header(prefix, lineNumber) else { return false }
        let payload = range.lowerBound + payloadStart(prefix)..<range.upperBound
        if payload.count > recordBytesMax {
            receive(header, .tooLarge(byteCount: payload.count), Span())
        } else {
            // The record was as it is again with its own brace for the prefix: same bytes, same hash.
            if prefix != nil { lines.buffer[payload.lowerBound] = UInt8(ascii: "{") }
            receive(header, .payload, lines.buffer.span.extracting(payload))
        }
        return true
    }

    /// Where the payload starts in its line: at the last byte of the prefix, which becomes its brace.
    private func payloadStart(_ prefix: RecordedLine?) -> Int {
        prefix.map { $0.prefixCount - 1 } ?? 0
    }

    /// The header of a line's record; nil if it lies before the start.
    private mutating func header(
        _ prefix: RecordedLine?,
        _ lineNumber: Int
    ) throws(SourceError) -> RecordHeader? {
        let offset = prefix?.offset ?? Int64(lineNumber)
        guard offset >= nextOffset, offset < .max else {
            throw SourceError(
                "\(path), line \(lineNumber + 1): offset \(offset) after \(nextOffset - 1); "
                    + "offsets must increase"
            )
        }
        nextOffset = offset + 1
        return offset < start
            ? nil : RecordHeader(offset: offset, timestamp: prefix?.timestamp)
    }

    private func isBlank(_ range: Range<Int>) -> Bool {
        lines.buffer[range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }
}
