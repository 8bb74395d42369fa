internal import Configure
internal import Events
internal import Learn
internal import Pipeline
public import Snapshot

/// Writes a snapshot as an export, and does not hand it over before it has been verified: recent and
/// made-up impressions are scored by the files, read back, and by the snapshot's own network.
public struct ExportWriter: Sendable {
    /// No probability may differ by more.
    public static let differenceLimit = 1e-5

    public let format: ExportFormat
    private let includesOptimizer: Bool
    private let programVersion: String
    private let files: any FileSystem

    /// - Parameter includesOptimizer: whether safetensors hold the optimizer's state, too.
    public init(
        format: ExportFormat,
        includesOptimizer: Bool = false,
        programVersion: String,
        files: any FileSystem = DiskFileSystem()
    ) {
        self.format = format
        self.includesOptimizer = includesOptimizer
        self.programVersion = programVersion
        self.files = files
    }

    /// Writes the export's files into an empty directory, durably, the manifest last.
    ///
    /// - Parameter createdAt: Milliseconds since the epoch, by the caller's clock.
    /// - Throws: also when parameters are not finite or the verification fails; what has been written
    ///   then is the caller's to remove.
    public func write(
        _ snapshot: ServingSnapshot,
        to directory: String,
        createdAt: Int64
    ) throws -> ExportManifest {
        fatalError("not yet")
    }
}
