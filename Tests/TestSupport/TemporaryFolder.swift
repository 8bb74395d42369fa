public import Foundation

/// A folder of its own for a test, removed with it.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString.prefix(13).lowercased())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func path(_ name: String) -> String { path + "/" + name }

    /// Writes a file.
    /// - Returns: its path.
    public func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    /// A file's content; empty if there is none.
    public func read(_ name: String) -> Data {
        FileManager.default.contents(atPath: path(name)) ?? Data()
    }

    /// The JSON object in each line of a file.
    public func lines(_ name: String) throws -> [[String: Any]] {
        try read(name).split(separator: UInt8(ascii: "\n")).compactMap {
            try JSONSerialization.jsonObject(with: $0) as? [String: Any]
        }
    }
}
