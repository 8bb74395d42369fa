import Foundation
import Glibc
import TestSupport
import Testing

/// What a summary says that the report says too.
private let reported =
    places + ["consumed", "trained", "skipped_updates", "disordered", "snapshot"]

@Suite("freshet replay --report", .serialized)
struct ReportCommandTests {
    @Test("shows in a browser without a network the figures of the summary, exactly")
    func figures() throws {
        let fixture = try CommandFixture.generated(events: 20_000, seed: 1)
        let report = fixture.folder.path("report.html")
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(["--report", report]))
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        let (summary, exact) = try (outcome.json, JSONValue(outcome))
        try expectLaw(summary)
        let reader = try ReportReader(report)
        #expect(try #require(reader.readOuts) > 100)
        var count = 0
        for key in reported + ["state_digest"] {
            count += try reader.expect(exact.member(key), at: key, of: "config")
        }
        let metrics = try exact.member("metrics")
        for key in ["ctr", "cvr", "ctcvr", "immature", "all"] {
            count += try reader.expect(metrics.member(key), at: "metrics." + key, of: "config")
        }
        #expect(count == 30 + 2 + 2 + 2 + 45)
        let time = try #require(summary["stream_time"] as? Int)
        #expect(reader.figures["config"]?["stream_time"]?.value == "\(time)")

        // What is seen is the value, rounded.
        let auc = try #require(reader.figures["config"]?["metrics.ctr.auc"])
        #expect(auc.text == String(format: "%.4f", try #require(Double(auc.value))))
        // The partitions' books, the delays and the law add up to the summary's.
        let figures = try #require(reader.figures["config"])
        func sum(_ prefix: String, _ suffix: String) -> Int {
            figures.filter { $0.key.hasPrefix(prefix) && $0.key.hasSuffix(suffix) }
                .reduce(0) { $0 + (Int($1.value.value) ?? 0) }
        }
        #expect(try sum("partition.", ".consumed") == total(summary, "consumed"))
        #expect(try sum("partition.", ".applied") == total(summary, "applied"))
        let delays = try #require(figures["delays.clicks.within"])
        let applied = (summary["applied"] as? [String: Int])?["clicks"]
        #expect(Int(delays.value) == applied)
        #expect(sum("delays.clicks.", ".within") == 2 * applied!)
        #expect(try reader.readOut() == reader.firstNote)
        #expect(reader.document.contains("The law holds in every partition."))
        #expect(!reader.document.contains("The law is broken"))
    }

    @Test("reports everything of a state that was resumed, even with nothing left to read")
    func resumed() throws {
        let fixture = try CommandFixture.generated(events: 20_000, seed: 2)
        func replay(_ name: String, _ more: [String] = []) throws -> String {
            let options = ["--report", fixture.folder.path(name), "--snapshot-every", "3000"]
            let outcome = try CommandProcess.run(
                fixture.arguments("replay", fixture.fileOptions(options + more))
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            try expectLaw(outcome.json)
            // All but the time at which it was made.
            let page = String(decoding: fixture.folder.read(name), as: UTF8.self)
            return page.replacing(/<footer>.*?<\/footer>/, with: "")
        }
        let whole = try replay("whole.html")
        #expect(whole.count > 50_000)
        let isSame = try replay("again.html") == whole
        #expect(isSame)
    }

    @Test("keeps hostile names of files and features out of the page's structure")
    func hostile() throws {
        let fixture = try CommandFixture.generated(events: 3_000, seed: 3)
        let name = "impressions-<img src=x onerror=document.title=1>&amp;'\""
        try FileManager.default.moveItem(
            atPath: fixture.folder.path("events/impressions-0.jsonl"),
            toPath: fixture.folder.path("events/\(name).jsonl")
        )
        let report = fixture.folder.path("<b>&.html")
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(["--report", report]))
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(outcome.json)
        let reader = try ReportReader(report)
        #expect(!reader.document.contains("<img"))
        #expect(reader.document.contains("<title>events · Freshet replay report</title>"))
        let path = "partition.impressions.\(name).1.consumed"
        #expect(Int(reader.figures["config"]?[path]?.value ?? "") ?? 0 > 500)
    }

    @Test("refuses a place where nothing can be written before it reads anything, in one line")
    func unwritable() throws {
        let fixture = try CommandFixture.generated(events: 500, seed: 4)
        for path in [fixture.folder.path("no/where/report.html"), fixture.folder.path] {
            let outcome = try CommandProcess.run(
                fixture.arguments("replay", fixture.fileOptions(["--report", path]))
            )
            #expect(outcome.status == 1)
            #expect(outcome.output.isEmpty)
            #expect(outcome.complaints.count == 1)
            #expect(outcome.complaints.first?.contains(path) == true)
            #expect(!FileManager.default.fileExists(atPath: fixture.state))
        }
    }

    @Test("replaces an older report, and leaves nothing else behind")
    func replaces() throws {
        let fixture = try CommandFixture.generated(events: 500, seed: 5)
        let report = try fixture.folder.write("old", to: "report.html")
        let before = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path)
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(["--report", report]))
        )
        #expect(outcome.status == 0)
        try expectLaw(outcome.json)
        #expect(fixture.folder.read("report.html").count > 10_000)
        let after = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path)
        #expect(Set(after) == Set(before + ["state"]))
    }
}
