public struct LZ4FrameEncoder: ~Copyable {
    public init() {}
    public mutating func encode(_ b: RawSpan, into: inout [UInt8]) {}
    public mutating func finish(into: inout [UInt8]) {}
}
public struct LZ4FrameDecoder: ~Copyable {
    public init() {}
    public var isFrameComplete: Bool { true }
    public mutating func decode(_ b: RawSpan, into: inout [UInt8], outputMax: Int) throws -> Int { 0 }
}
