/// Bytes that are not what an LZ4 frame should be.
public enum LZ4Error: Error, Equatable, Sendable, CustomStringConvertible {
    /// A checksum or the structure is wrong; the reason is liblz4's.
    case damaged(String)
    /// The bytes end within a frame, or before the first.
    case truncated

    public var description: String {
        switch self {
        case .damaged(let reason): "damaged LZ4 frame (\(reason))"
        case .truncated: "LZ4 frame without its end"
        }
    }
}
