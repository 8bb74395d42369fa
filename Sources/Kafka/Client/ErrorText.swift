/// The buffer into which librdkafka writes its complaint.
struct ErrorText {
    private var bytes = [CChar](repeating: 0, count: 512)

    /// Calls `body` with the buffer and its size; returns its result and the complaint.
    static func collect<Result>(
        _ body: (UnsafeMutablePointer<CChar>?, Int) -> Result
    ) -> (result: Result, text: String) {
        var buffer = ErrorText()
        let result = unsafe buffer.bytes.withUnsafeMutableBufferPointer {
            unsafe body($0.baseAddress, $0.count)
        }
        let text = buffer.bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (result, String(decoding: text, as: UTF8.self))
    }
}
