/// Why a snapshot could not be written or used.
public enum SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file system refused.
    case file(FileError)
    /// A file of the snapshot is truncated, altered or not what the manifest says.
    case damaged(path: String, reason: String)
    /// Written by a program that this one does not understand.
    case unsupportedVersion(path: String, version: Int)
    /// There is no snapshot of that name.
    case missing(path: String)

    public var description: String {
        switch self {
        case .file(let error):
            error.description
        case .damaged(let path, let reason):
            "\(path) \(reason)"
        case .unsupportedVersion(let path, let version):
            "\(path) has format version \(version), this program reads "
                + "\(readableFormatVersions.lowerBound) to \(readableFormatVersions.upperBound)"
        case .missing(let path):
            "there is no snapshot \(path)"
        }
    }
}
