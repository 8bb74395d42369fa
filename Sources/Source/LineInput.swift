/// The lines of a file, or of standard input as they come. However long a line, no more of it is held
/// than a limit.
public struct LineInput: ~Copyable {
    public enum Line: Equatable, Sendable {
        /// Where the line is in `bytes`, without its end ("\n" or "\r\n").
        case whole(Range<Int>)
        /// A line beyond the limit, and how long it is.
        case tooLong(byteCount: Int)
    }

    private var reader: LineReader

    /// - Parameters:
    ///   - path: decompressed if it ends in ".lz4"; nil: standard input.
    ///   - lineBytesMax: longer lines are passed over.
    public init(path: String?, lineBytesMax: Int) throws(SourceError) {
        let bytes =
            if let path {
                try FileBytes(path: path, byteCountMax: .max)
            } else {
                try FileBytes(standardInput: "standard input")
            }
        reader = LineReader(bytes, lineBytesMax: lineBytesMax, headBytesMax: 0)
    }

    /// What the ranges of lines are of, until the next call.
    public var bytes: [UInt8] { reader.buffer }

    /// The number of the line handed out last, from 1.
    public var lineNumber: Int { reader.lineNumber }

    /// The next line of what has come already; nil where `next` would have to wait for more, or at the end.
    public mutating func nextWithoutWaiting() -> Line? {
        reader.nextRead().map(Line.init)
    }

    /// The next line, waited for; nil at the end. The last line needs no line end.
    public mutating func next() throws(SourceError) -> Line? {
        try reader.next().map(Line.init)
    }
}

extension LineInput.Line {
    fileprivate init(_ line: LineReader.Line) {
        self =
            switch line {
            case .whole(let range): .whole(range)
            case .tooLong(let byteCount): .tooLong(byteCount: byteCount)
            }
    }
}
