internal import CXXHash

/// State that is written in one canonical order, whatever its layout in memory is: the same bytes
/// go to the snapshot and into the `state_digest`.
public protocol StateCodable {
    func encode(to writer: inout StateWriter)
    /// Replaces the state by the encoded one.
    /// - Throws: `StateError` when the bytes are truncated or contradict themselves or the settings
    ///   that the receiver was made with.
    mutating func decode(from reader: inout StateReader) throws(StateError)
}

/// Why encoded state was refused.
public struct StateError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// Appends little-endian values to a byte buffer.
public struct StateWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func reserve(_ byteCount: Int) {
        bytes.reserveCapacity(bytes.count + byteCount)
    }

    public mutating func write<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    public mutating func write(_ value: Float) { write(value.bitPattern) }
    public mutating func write(_ value: Double) { write(value.bitPattern) }
    public mutating func write(_ value: Bool) { write(value ? 1 as UInt8 : 0) }

    /// The count, then the UTF-8 bytes.
    public mutating func write(_ text: String) {
        write(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// The elements alone, without a count.
    public mutating func write(words: Span<UInt32>) {
        #if _endian(little)
            unsafe words.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        #else
            for index in words.indices { write(words[index]) }
        #endif
    }

    public mutating func write(bytes more: Span<UInt8>) {
        unsafe more.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }
}

/// Reads what a `StateWriter` wrote. It never trusts a count: one that names more than the remaining
/// bytes can hold is refused before anything is allocated for it.
public struct StateReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public var remaining: Int { bytes.count - offset }

    public mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(StateError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else {
            throw StateError("truncated at byte \(offset): \(size) bytes wanted, \(remaining) left")
        }
        let value = unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: Value.self)
        }
        offset += size
        return Value(littleEndian: value)
    }

    public mutating func read(_ type: Float.Type = Float.self) throws(StateError) -> Float {
        Float(bitPattern: try read(UInt32.self))
    }

    public mutating func read(_ type: Double.Type = Double.self) throws(StateError) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    public mutating func read(_ type: Bool.Type = Bool.self) throws(StateError) -> Bool {
        switch try read(UInt8.self) {
        case 0: return false
        case 1: return true
        case let other: throw StateError("byte \(offset - 1) is \(other), not a truth value")
        }
    }

    public mutating func read(_ type: String.Type = String.self) throws(StateError) -> String {
        let count = try readCount(of: UInt32.self, elementSize: 1)
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else {
            throw StateError("text at byte \(offset) is not UTF-8")
        }
        return text
    }

    /// Reads a count of elements that take at least `elementSize` bytes each.
    public mutating func readCount<Count: FixedWidthInteger & BitwiseCopyable>(
        of type: Count.Type = UInt64.self,
        elementSize: Int
    ) throws(StateError) -> Int {
        let count = try read(Count.self)
        guard let value = Int(exactly: count), value >= 0, value <= remaining / max(elementSize, 1)
        else {
            throw StateError(
                "count \(count) before byte \(offset) exceeds the \(remaining) bytes left"
            )
        }
        return value
    }

    public mutating func readWords(count: Int) throws(StateError) -> [UInt32] {
        guard count >= 0, count <= remaining / 4 else {
            throw StateError("truncated at byte \(offset): \(count) words wanted")
        }
        var words: [UInt32] = []
        words.reserveCapacity(count)
        for _ in 0..<count { words.append(try read(UInt32.self)) }
        return words
    }

    public mutating func readBytes(count: Int) throws(StateError) -> [UInt8] {
        guard count >= 0, count <= remaining else {
            throw StateError("truncated at byte \(offset): \(count) bytes wanted")
        }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Refuses bytes after the end.
    public func finish() throws(StateError) {
        guard remaining == 0 else { throw StateError("\(remaining) bytes after the end") }
    }
}

/// The running XXH3-64 over state, in the order in which it is fed.
@safe public struct StateDigest: ~Copyable {
    private let stream: UnsafeMutableRawPointer

    public init() {
        guard let stream = unsafe xxhash3_stream_create() else { fatalError("out of memory") }
        unsafe self.stream = stream
    }

    deinit {
        unsafe xxhash3_stream_free(stream)
    }

    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes {
            unsafe xxhash3_stream_update(stream, $0.baseAddress, $0.count)
        }
    }

    /// 16 hexadecimal digits.
    public var text: String {
        let digits = String(unsafe xxhash3_stream_digest(stream), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
