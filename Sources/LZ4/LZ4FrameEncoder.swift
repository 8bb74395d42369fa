internal import CLZ4

/// Compresses a stream of bytes into LZ4 frames with checksums of every block and of the content.
///
/// A frame begins with the first bytes and ends with `finish`; what follows is a further frame, and
/// frames may be concatenated. Its memory is fixed, whatever the input.
@safe public struct LZ4FrameEncoder: ~Copyable {
    private static let pieceBytes = 256 << 10

    private let context: OpaquePointer
    private var preferences: LZ4F_preferences_t
    private var scratch: [UInt8]
    private var isFrameOpen = false

    public init() {
        var created: OpaquePointer?
        let result = unsafe LZ4F_createCompressionContext(&created, UInt32(LZ4F_VERSION))
        guard let created = unsafe created, LZ4F_isError(result) == 0 else {
            fatalError("out of memory for an LZ4 encoder")
        }
        unsafe context = created
        preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max256KB
        preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        let bound = unsafe LZ4F_compressBound(Self.pieceBytes, &preferences)
        scratch = Array(repeating: 0, count: max(bound, Int(LZ4F_HEADER_SIZE_MAX)))
    }

    deinit { unsafe _ = LZ4F_freeCompressionContext(context) }

    /// Compresses `input` and appends what is ready to `output`; the rest waits for more input.
    public mutating func encode(_ input: RawSpan, into output: inout [UInt8]) {
        beginFrame(into: &output)
        var start = 0
        while start < input.byteCount {
            let end = min(start + Self.pieceBytes, input.byteCount)
            let count = unsafe input.extracting(start..<end).withUnsafeBytes { piece in
                unsafe scratch.withUnsafeMutableBytes {
                    unsafe LZ4F_compressUpdate(
                        context,
                        $0.baseAddress,
                        $0.count,
                        piece.baseAddress,
                        piece.count,
                        nil
                    )
                }
            }
            append(count, to: &output)
            start = end
        }
    }

    /// Ends the frame: appends what was waiting, the end mark and the content's checksum. A frame without
    /// content is a frame too.
    public mutating func finish(into output: inout [UInt8]) {
        beginFrame(into: &output)
        let count = unsafe scratch.withUnsafeMutableBytes {
            unsafe LZ4F_compressEnd(context, $0.baseAddress, $0.count, nil)
        }
        append(count, to: &output)
        isFrameOpen = false
    }

    private mutating func beginFrame(into output: inout [UInt8]) {
        if isFrameOpen { return }
        let count = unsafe scratch.withUnsafeMutableBytes {
            unsafe LZ4F_compressBegin(context, $0.baseAddress, $0.count, &preferences)
        }
        append(count, to: &output)
        isFrameOpen = true
    }

    private func append(_ result: Int, to output: inout [UInt8]) {
        // With room for the worst case, only a lack of memory is left to fail.
        precondition(LZ4F_isError(result) == 0, "out of memory in LZ4")
        output.append(contentsOf: scratch[..<result])
    }
}
