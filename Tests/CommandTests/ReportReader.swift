import Foundation
import TestSupport
import Testing

/// A report as headless Chromium shows it, opened from disk, with no way to a network.
struct ReportReader {
    struct Figure {
        var value: String
        /// What the reader sees.
        var text: String
    }

    /// The document after its script has run.
    let document: String
    /// By configuration and name.
    let figures: [String: [String: Figure]]

    private let page: String

    /// Opens a page with $FRESHET_CHROMIUM, or chromium.
    init(_ path: String) throws {
        page = try String(contentsOf: URL(filePath: path), encoding: .utf8)
        document = try Self.open(path)
        var figures: [String: [String: Figure]] = [:]
        let pattern = /data-run="([^"]*)" data-figure="([^"]*)" data-value="([^"]*)">([^<]*)</
        for match in document.matches(of: pattern) {
            let (run, name) = (Self.plain(match.1), Self.plain(match.2))
            figures[run, default: [:]][name] = Figure(
                value: Self.plain(match.3),
                text: Self.plain(match.4)
            )
        }
        self.figures = figures
    }

    /// The document after its scripts have run.
    private static func open(_ path: String) throws -> String {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            ProcessInfo.processInfo.environment["FRESHET_CHROMIUM"] ?? "chromium",
            "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--user-data-dir=\(folder.path)", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--dump-dom", URL(filePath: path).absoluteString,
        ]
        try Data().write(to: URL(filePath: folder.path("document")))
        process.standardOutput = try FileHandle(
            forWritingTo: URL(filePath: folder.path("document"))
        )
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "chromium is needed to read the report")
        return String(decoding: folder.read("document"), as: UTF8.self)
    }

    /// The note of the first point of the first drawing.
    var firstNote: String? {
        page.firstMatch(of: /<circle [^>]*><title>([^<]*)</).map { Self.plain($0.1) }
    }

    /// What the page reads out when the pointer is at the first point of the first drawing.
    func readOut() throws -> String? {
        let folder = try TemporaryFolder()
        let pointer = """
            <script>
            const plot = document.querySelector("svg.plot");
            const area = plot.querySelector("circle").getBoundingClientRect();
            plot.dispatchEvent(new PointerEvent("pointermove",
              { clientX: area.left + area.width / 2, clientY: area.top + area.height / 2 }));
            </script>
            """
        let path = try folder.write(
            page.replacing("</body>", with: pointer + "</body>"),
            to: "pointed.html"
        )
        return try Self.open(path).firstMatch(of: /<div id="read-out"[^>]*>([^<]*)</)
            .map { Self.plain($0.1) }
    }

    /// How many points the script found a note for; nil if it did not run.
    var readOuts: Int? {
        document.firstMatch(of: /<html[^>]* data-read-outs="(\d+)"/).flatMap { Int($0.1) }
    }

    /// Expects the numbers, texts and nulls of a JSON value under their dotted names.
    /// - Returns: how many there were.
    func expect(_ json: JSONValue, at path: String, of run: String) throws -> Int {
        if case .object(let members) = json {
            return try members.reduce(0) {
                try $0 + expect($1.value, at: path + "." + $1.key, of: run)
            }
        }
        let figure = try #require(figures[run]?[path], "\(run) \(path)")
        switch json {
        case .null: #expect(figure.value == "null", "\(path)")
        case .number(let number): #expect(Double(figure.value) == number, "\(path)")
        case .text(let text): #expect(figure.value == text, "\(path)")
        case .object, .list, .truth: Issue.record("\(path) is no figure")
        }
        return 1
    }

    private static func plain(_ text: Substring) -> String {
        text.replacingOccurrences(of: "&lt;", with: "<")
            .replacingOccurrences(of: "&gt;", with: ">")
            .replacingOccurrences(of: "&quot;", with: "\"")
            .replacingOccurrences(of: "&nbsp;", with: "\u{A0}")
            .replacingOccurrences(of: "&amp;", with: "&")
    }
}

/// JSON whose numbers are read to the last bit, which JSONSerialization does not promise.
enum JSONValue: Decodable {
    case null
    case truth(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let truth = try? container.decode(Bool.self) {
            self = .truth(truth)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    init(_ outcome: CommandOutcome) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    }

    /// A member of an object.
    func member(_ key: String) throws -> JSONValue {
        guard case .object(let members) = self else { throw CommandFailure("no object: \(key)") }
        return try #require(members[key], "\(key)")
    }

    /// The elements of a list.
    var elements: [JSONValue] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }
}
