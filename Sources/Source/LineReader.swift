internal import Glibc

/// Splits a file into lines, holding no more of a line than a limit.
struct LineReader: ~Copyable {
    enum Line {
        /// The line's bytes, in `buffer`, without its end ("\n" or "\r\n").
        case whole(Range<Int>)
        /// A line beyond the limit: how long it is; its first bytes are in `head`, its last in `tail`.
        case tooLong(byteCount: Int)
    }

    private(set) var bytes: FileBytes
    /// Holds the lines handed out; they may be altered in place.
    var buffer: [UInt8] = []
    /// The first bytes of the last line that was too long.
    private(set) var head: [UInt8] = []
    /// The last four bytes of the last line that was too long.
    private(set) var tail: [UInt8] = []
    /// The number of lines before the next one.
    private(set) var lineNumber = 0

    private let lineBytesMax: Int
    private let headBytesMax: Int
    /// Where the next line starts, and up to where there is no line end.
    private var start = 0
    private var searched = 0
    private(set) var isAtEnd = false

    init(
        path: String,
        byteCountMax: Int,
        lineBytesMax: Int,
        headBytesMax: Int
    ) throws(SourceError) {
        self.init(
            try FileBytes(path: path, byteCountMax: byteCountMax),
            lineBytesMax: lineBytesMax,
            headBytesMax: headBytesMax
        )
    }

    init(_ bytes: consuming FileBytes, lineBytesMax: Int, headBytesMax: Int) {
        self.bytes = bytes
        self.lineBytesMax = lineBytesMax
        self.headBytesMax = headBytesMax
    }

    /// The next line among the bytes that have been read; nil where it needs more of them.
    mutating func nextRead() -> Line? {
        guard let end = indexOfNewline(from: searched) else {
            searched = buffer.count
            return nil
        }
        let line = start..<end
        start = end + 1
        searched = start
        lineNumber += 1
        return checked(line)
    }

    /// The next line, or nil at the end of the file. The last line needs no line end.
    mutating func next() throws(SourceError) -> Line? {
        while true {
            if let line = nextRead() { return line }
            // One more, as a carriage return is not the line's.
            if buffer.count - start > lineBytesMax + 1 { return try skipLine() }
            if try !refill() { return lastLine() }
        }
    }

    private mutating func lastLine() -> Line? {
        isAtEnd = true
        let line = start..<buffer.count
        if line.isEmpty { return nil }
        start = buffer.count
        lineNumber += 1
        return checked(line)
    }

    private mutating func checked(_ line: Range<Int>) -> Line {
        var line = line
        if line.last.map({ buffer[$0] }) == UInt8(ascii: "\r") { line.removeLast() }
        if line.count <= lineBytesMax { return .whole(line) }
        head = Array(buffer[line].prefix(headBytesMax))
        tail = Array(buffer[line].suffix(4))
        return .tooLong(byteCount: line.count)
    }

    /// Counts the rest of a line that is too long to hold.
    private mutating func skipLine() throws(SourceError) -> Line {
        head = Array(buffer[start...].prefix(headBytesMax))
        var byteCount = 0
        // One byte more than the tail, as a carriage return is not the line's.
        var last: [UInt8] = []
        func keep(_ piece: ArraySlice<UInt8>) {
            last = (last + piece.suffix(5)).suffix(5)
        }
        repeat {
            byteCount += buffer.count - start
            keep(buffer[start...])
            start = buffer.count
            if try !refill() {
                isAtEnd = true
                break
            }
            if let end = indexOfNewline(from: start) {
                byteCount += end - start
                keep(buffer[start..<end])
                start = end + 1
                break
            }
        } while true
        searched = start
        lineNumber += 1
        if last.last == UInt8(ascii: "\r") {
            last.removeLast()
            byteCount -= 1
        }
        tail = last.suffix(4)
        return .tooLong(byteCount: byteCount)
    }

    /// Drops the lines handed out and reads on; false at the end of the file.
    private mutating func refill() throws(SourceError) -> Bool {
        buffer.removeFirst(start)
        searched -= start
        start = 0
        let before = buffer.count
        try bytes.read(into: &buffer)
        return buffer.count > before
    }

    private func indexOfNewline(from index: Int) -> Int? {
        unsafe buffer.withUnsafeBytes { bytes -> Int? in
            guard index < bytes.count, let base = bytes.baseAddress else { return nil }
            let found = unsafe memchr(base + index, 10, bytes.count - index)
            return unsafe found.map { unsafe UnsafeRawPointer($0) - base }
        }
    }
}

extension Range where Bound == Int {
    fileprivate mutating func removeLast() { self = lowerBound..<upperBound - 1 }
}
