internal import Events

/// A file of records, in a box, as an array holds no values that cannot be copied.
final class FilePartition {
    var file: RecordFile

    init(
        path: String,
        byteCountMax: Int,
        recordBytesMax: Int,
        resume: ResumePoint
    ) throws(SourceError) {
        file = try RecordFile(
            path: path,
            byteCountMax: byteCountMax,
            recordBytesMax: recordBytesMax,
            resume: resume
        )
    }
}

/// One file of records, read from its start.
struct RecordFile: ~Copyable {
    /// Records handed over at a time.
    private static let recordCountMax = 256

    let path: String
    private var lines: LineReader
    private let recordBytesMax: Int
    /// Where to begin handing over, and what lay before it.
    private let resume: ResumePoint
    /// The offset after the last one read.
    private var nextOffset: Int64 = 0

    /// - Parameter byteCountMax: what lies behind these bytes of the file is not read.
    init(
        path: String,
        byteCountMax: Int,
        recordBytesMax: Int,
        resume: ResumePoint
    ) throws(SourceError) {
        self.path = path
        self.recordBytesMax = min(recordBytesMax, 1 << 40)
        self.resume = resume
        lines = try LineReader(
            path: path,
            byteCountMax: byteCountMax,
            // Room for the longest record in the longest form.
            lineBytesMax: Base64.textCount(byteCount: self.recordBytesMax)
                + RecordedLine.prefixBytesMax,
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
            guard var record = try read(line, lineNumber) else { continue }
            let end = try pass(record.header, lineNumber)
            if end <= resume.position {
                if end == resume.position { try checkLast(record) }
                continue
            }
            // A resume within a corrupt batch counts what is left of it.
            record.header.offset = max(record.header.offset, resume.position)
            record.header.offsetCount = end - record.header.offset
            receive(record.header, record.content, lines.buffer.span.extracting(record.payload))
            count += 1
        }
        let end = max(nextOffset, Int64(lines.lineNumber))
        if lines.isAtEnd && end < resume.position {
            throw SourceError(
                "\(path): ends at offset \(end), but is to be resumed at \(resume.position); "
                    + "it was cut or replaced"
            )
        }
    }

    /// A line's record, its payload in the buffer of lines.
    private struct Record {
        var header: RecordHeader
        var content = RecordContent.payload
        var payload = 0..<0
    }

    /// The record of a line; nil if the line is blank.
    private mutating func read(
        _ line: LineReader.Line,
        _ lineNumber: Int
    ) throws(SourceError) -> Record? {
        switch line {
        case .whole(let range):
            guard let prefix = RecordedLine(lines.buffer.span.extracting(range)) else {
                if isBlank(range) { return nil }
                return ordinary(range, lineNumber)
            }
            return try recorded(prefix, range, lineNumber)
        case .tooLong(let byteCount):
            let prefix = RecordedLine(lines.head.span)
            return Record(
                header: header(prefix, lineNumber),
                content: .tooLarge(byteCount: payloadBytes(prefix, lineBytes: byteCount))
            )
        }
    }

    private func ordinary(_ range: Range<Int>, _ lineNumber: Int) -> Record {
        var record = Record(header: header(nil, lineNumber), payload: range)
        limit(&record)
        return record
    }

    private mutating func recorded(
        _ prefix: RecordedLine,
        _ range: Range<Int>,
        _ lineNumber: Int
    ) throws(SourceError) -> Record {
        var record = Record(header: header(prefix, lineNumber))
        let start = range.lowerBound + prefix.prefixCount
        switch prefix.content {
        case .null:
            record.content = .null
        case .corrupt:
            record.content = .corrupt
        case .object:
            // The record is as it was again with its own brace for the prefix: same bytes, same hash.
            lines.buffer[start - 1] = UInt8(ascii: "{")
            record.payload = start - 1..<range.upperBound
        case .base64:
            guard lines.buffer[start..<range.upperBound].suffix(2).elementsEqual("\"}".utf8),
                let payload = Base64.decode(start..<range.upperBound - 2, in: &lines.buffer)
            else {
                throw SourceError("\(path), line \(lineNumber + 1): damaged base64")
            }
            record.payload = payload
        }
        limit(&record)
        return record
    }

    private func limit(_ record: inout Record) {
        guard record.payload.count > recordBytesMax else { return }
        record.content = .tooLarge(byteCount: record.payload.count)
        record.payload = 0..<0
    }

    /// The length of the payload of a line that is too long to hold.
    private func payloadBytes(_ prefix: RecordedLine?, lineBytes: Int) -> Int {
        guard let prefix else { return lineBytes }
        guard prefix.content == .base64 else { return lineBytes - prefix.prefixCount + 1 }
        return Base64.byteCount(
            textCount: lineBytes - prefix.prefixCount - 2,
            end: lines.tail.dropLast(2)
        )
    }

    private func header(_ prefix: RecordedLine?, _ lineNumber: Int) -> RecordHeader {
        guard let prefix else { return RecordHeader(offset: Int64(lineNumber), timestamp: nil) }
        var header = RecordHeader(offset: prefix.offset, timestamp: prefix.timestamp)
        if case .corrupt(let count) = prefix.content { header.offsetCount = count }
        return header
    }

    /// Moves on behind a record; returns the offset there.
    private mutating func pass(
        _ header: RecordHeader,
        _ lineNumber: Int
    ) throws(SourceError) -> Int64 {
        let (end, overflows) = header.offset.addingReportingOverflow(header.offsetCount)
        guard header.offset >= nextOffset, !overflows else {
            throw SourceError(
                "\(path), line \(lineNumber + 1): offset \(header.offset) after \(nextOffset - 1); "
                    + "offsets must increase"
            )
        }
        nextOffset = end
        return end
    }

    /// Compares the record before the position with the one that was applied there.
    private func checkLast(_ record: Record) throws(SourceError) {
        guard let expected = resume.lastPayloadHash else { return }
        switch record.content {
        case .payload where xxHash3(lines.buffer.span.extracting(record.payload)) == expected,
            .tooLarge:
            return
        case .payload, .null, .corrupt:
            throw SourceError(
                "\(path): the record at offset \(resume.position - 1) is not the one that was "
                    + "read there before: the file was replaced; bring the old one back, or start "
                    + "with a new state"
            )
        }
    }

    private func isBlank(_ range: Range<Int>) -> Bool {
        lines.buffer[range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }
}
