internal import CLZ4

/// Decompresses a stream of concatenated LZ4 frames and verifies all checksums they have.
///
/// Its memory is bounded by the format's largest block, 4 MiB, and by `outputMax`, whatever sizes the
/// frames claim.
@safe public struct LZ4FrameDecoder: ~Copyable {
    private static let scratchBytes = 64 << 10

    private let context: OpaquePointer
    private var scratch = [UInt8](repeating: 0, count: Self.scratchBytes)
    private var failure: LZ4Error?

    /// Whether the bytes decoded so far end where a frame ends.
    public private(set) var isComplete = false

    public init() {
        var created: OpaquePointer?
        let result = unsafe LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
        guard let created = unsafe created, LZ4F_isError(result) == 0 else {
            fatalError("out of memory for an LZ4 decoder")
        }
        unsafe context = created
    }

    deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

    /// Decompresses from the start of `input` and appends at most `outputMax` bytes to `output`.
    ///
    /// Returns how many bytes of `input` it consumed. If `outputMax` bytes came out there may be more, even
    /// if all input was consumed: call again, with what is left of the input.
    /// - Throws: `LZ4Error.damaged`, then and for ever after.
    public mutating func decode(
        _ input: RawSpan,
        into output: inout [UInt8],
        outputMax: Int
    ) throws(LZ4Error) -> Int {
        if let failure { throw failure }
        var consumed = 0
        var room = outputMax
        while room > 0 {
            // Between frames liblz4 would take even an empty input as the start of another.
            if isComplete && consumed == input.byteCount { break }
            let (read, written) = try step(input.extracting(consumed...), outputMax: room)
            output.append(contentsOf: scratch[..<written])
            consumed += read
            room -= written
            if read == 0 && written == 0 { break }
        }
        return consumed
    }

    /// States that there is no more input.
    /// - Throws: `LZ4Error.truncated` unless it ended where a frame ends.
    public func finish() throws(LZ4Error) {
        if let failure { throw failure }
        if !isComplete { throw .truncated }
    }

    /// One call of liblz4: bytes read, and bytes written to `scratch`.
    private mutating func step(
        _ input: RawSpan,
        outputMax: Int
    ) throws(LZ4Error) -> (read: Int, written: Int) {
        var read = input.byteCount
        var written = min(outputMax, scratch.count)
        let result = unsafe input.withUnsafeBytes { source in
            unsafe scratch.withUnsafeMutableBytes {
                unsafe LZ4F_decompress(
                    context,
                    $0.baseAddress,
                    &written,
                    source.baseAddress,
                    &read,
                    nil
                )
            }
        }
        if LZ4F_isError(result) != 0 {
            let error = LZ4Error.damaged(unsafe String(cString: LZ4F_getErrorName(result)))
            failure = error
            isComplete = false
            throw error
        }
        isComplete = result == 0
        return (read, written)
    }
}
