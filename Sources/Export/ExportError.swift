/// Why a model cannot be exported, published or read back: what, where and what to do, in one line.
public struct ExportError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
