/// Why the pipeline cannot start or go on: what, where and what to do, in one line.
public struct PipelineError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
