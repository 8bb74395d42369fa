import Foundation
import TestSupport
import Testing

/// A publication folder as a serving system sees it: by `current`, and by `export.json`.
struct PublicationScene {
    let directory: String

    /// The version that `current` leads to; nil without it.
    var current: String? {
        let link = directory + "/current"
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return nil
        }
        return target
    }

    /// What `export.json` of a version says; nil without it.
    func manifest(of target: String) throws -> [String: Any]? {
        let path = directory + "/" + target + "/export.json"
        guard let text = FileManager.default.contents(atPath: path) else { return nil }
        return try JSONSerialization.jsonObject(with: text) as? [String: Any]
    }

    /// The published model's id; nil if nothing is published.
    var model: String? {
        get throws {
            guard let current else { return nil }
            return try manifest(of: current)?["model"] as? String
        }
    }

    /// Looks whether the published version has all its files, as long as its manifest says.
    /// - Returns: its number; 0 if nothing is published.
    func checkWhole() throws -> Int {
        guard let target = current else { return 0 }
        let parts = target.split(separator: "/")
        #expect(parts.count == 2 && parts[0] == "versions")
        let files = try #require(try manifest(of: target)?["files"] as? [[String: Any]])
        #expect(files.count >= 3)
        for file in files {
            let name = try #require(file["name"] as? String)
            let path = directory + "/" + target + "/" + name
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            #expect(size == file["bytes"] as? Int, "\(path)")
        }
        return try #require(Int(parts[1]))
    }

    /// The complete versions.
    var versions: [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: directory + "/versions")
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }
}
