#if canImport(Glibc)
    internal import Glibc
#endif

/// Floats in one allocation, aligned to a cache line, never moved. Every access is checked.
@safe struct FloatBuffer: ~Copyable {
    static let alignment = 64
    private static let hugePageBytes = 2 << 20

    private let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int, repeating value: Float = 0) {
        precondition(count >= 0)
        let size = max(count, 1) * MemoryLayout<Float>.stride
        let isLarge = size >= Self.hugePageBytes
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: size,
            alignment: isLarge ? Self.hugePageBytes : Self.alignment
        )
        // Rows of a table are far apart: with small pages nearly each would miss the TLB.
        if isLarge { unsafe Self.askForLargePages(bytes, size) }
        unsafe base = bytes.initializeMemory(as: Float.self, repeating: value, count: count)
        self.count = count
    }

    /// Zeros to copy into: on large pages, too, where that is fastest.
    static func zeros(_ count: Int) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: count) { values, initialized in
            if let start = values.baseAddress {
                let first = unsafe UnsafeMutableRawPointer(start).alignedUp(
                    toMultipleOf: hugePageBytes
                )
                let end = unsafe UnsafeMutableRawPointer(start + count)
                let size = unsafe end - first
                if size >= hugePageBytes { unsafe askForLargePages(first, size) }
                unsafe start.initialize(repeating: 0, count: count)
            }
            initialized = count
        }
    }

    /// If the system has none to give, pages stay as they are.
    private static func askForLargePages(_ start: UnsafeMutableRawPointer, _ size: Int) {
        #if canImport(Glibc)
            unsafe madvise(start, size, MADV_HUGEPAGE)
        #endif
    }

    deinit {
        unsafe base.deallocate()
    }

    subscript(index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count)
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count)
            unsafe base[index] = newValue
        }
    }

    /// The address of `length` floats from `offset` on.
    func address(_ offset: Int, _ length: Int) -> UnsafeMutablePointer<Float> {
        precondition(offset >= 0 && length >= 0 && length <= count - offset)
        return unsafe base + offset
    }

    mutating func fill(_ range: Range<Int>, with value: Float) {
        unsafe address(range.lowerBound, range.count).update(repeating: value, count: range.count)
    }

    func copy(of range: Range<Int>) -> [Float] {
        let source = unsafe address(range.lowerBound, range.count)
        return unsafe [Float](unsafeUninitializedCapacity: range.count) { copy, initialized in
            if let start = copy.baseAddress {
                unsafe start.initialize(from: source, count: range.count)
            }
            initialized = range.count
        }
    }

    /// Replaces as many values as there are.
    func copy(to values: inout [Float]) {
        precondition(values.count == count)
        unsafe values.withUnsafeMutableBufferPointer {
            if let target = $0.baseAddress { unsafe target.update(from: base, count: count) }
        }
    }

    mutating func replace(at offset: Int, with values: [Float]) {
        let target = unsafe address(offset, values.count)
        unsafe values.withUnsafeBufferPointer {
            if let start = $0.baseAddress { unsafe target.update(from: start, count: $0.count) }
        }
    }

    func withSpan<Result, Failure: Error>(
        _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeBufferPointer(start: base, count: count).span)
    }
}
