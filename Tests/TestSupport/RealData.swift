public import Foundation

/// Real streams, in the folder that FRESHET_DATA names or beside the package.
public enum RealData {
    /// The package's root.
    public static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardizedFileURL

    /// One week of a short-video feed.
    public static let kuairand: String = {
        let named = ProcessInfo.processInfo.environment["FRESHET_DATA"]
        let folder = named ?? package.appending(path: "../shared/data").standardizedFileURL.path
        return folder + "/kuairand"
    }()

    public static let hasKuaiRand = FileManager.default.fileExists(atPath: kuairand)
}
