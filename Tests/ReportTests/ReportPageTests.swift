import Events
import Foundation
import Learn
import Report
import TestSupport
import Testing

@Suite("The report page")
struct ReportPageTests {
    static let hostile = "</script><img src=x onerror=\"alert('&')\">"

    /// A run of 30 mature cohorts and two immature ones.
    private func run(_ name: String, mature: Int = 30, key: String = "seed") -> ReportRun {
        var random = SeededGenerator(seed: 1)
        let cohorts = (0..<mature + 2).map { TestCohort.random($0, using: &random).summary }
        let figures = cohorts[0].figures
        return ReportRun(
            name: name,
            snapshot: "0000000001",
            stateDigest: "00ff",
            streamTime: 32_000,
            books: Role.allCases.map { role in
                PartitionBooks(
                    partition: Partition(role: role, name: Self.hostile, number: 3),
                    consumed: 45,
                    counts: Array(1...9)
                )
            },
            trainedCTR: 12,
            trainedCTCVR: 13,
            skippedUpdates: 2,
            disordered: 3,
            silences: [],
            metrics: MetricsReport(
                figures: figures,
                mature: mature > 0,
                immature: figures,
                all: figures
            ),
            series: Array(cohorts.prefix(mature)),
            immatureSeries: Array(cohorts.suffix(2)),
            reliability: cohorts[0].reliability,
            delays: [
                DelayDistribution(
                    role: .click,
                    buckets: [
                        .init(lower: 0, upper: 1, within: 4, late: 0),
                        .init(lower: 4_096, upper: 8_192, within: 9, late: 1),
                    ],
                    window: 6_000
                )
            ],
            configuration: [(key, Self.hostile), ("loss.gamma", "2")]
        )
    }

    private func page(_ runs: [ReportRun], comparisons: [PairedComparison] = []) -> String {
        ReportPage(
            ReportContent(
                source: Self.hostile,
                programVersion: "1",
                kernelPath: "c",
                createdAt: 0,
                isComplete: true,
                runs: runs,
                comparisons: comparisons,
                remarks: comparisons.isEmpty ? [] : [Self.hostile]
            )
        ).html
    }

    @Test("escapes names, keys and values wherever they stand")
    func escapes() {
        let runs = [run(Self.hostile, key: Self.hostile), run("other")]
        let comparison = PairedComparison(
            first: (Self.hostile, runs[0].series),
            other: (Self.hostile, runs[1].series),
            seed: 1
        )
        for html in [page(runs, comparisons: [comparison]), page([runs[0]])] {
            #expect(!html.contains("<img"))
            #expect(!html.contains("onerror=\""))
            #expect(html.components(separatedBy: "</script>").count == 2)
            #expect(html.contains("&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;"))
        }
    }

    @Test("refers to nothing outside itself")
    func selfContained() {
        let html = page([run("base")])
            .replacingOccurrences(of: Markup(escaping: Self.hostile).text, with: "")
        for word in ["http:", "https:", " src=", "url(", "@import", "<link", "fetch("] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.hasPrefix("<!doctype html>"))
        #expect(html.contains("default-src 'none'"))
    }

    @Test("marks immature cohorts, and says so when there are no others")
    func immature() {
        let some = page([run("base")])
        #expect(some.components(separatedBy: " hollow").count == 1 + 2 * 9)
        #expect(some.components(separatedBy: "<rect class=\"immature\"").count == 1 + 9)
        #expect(some.components(separatedBy: "<em>immature</em>").count == 1 + 2)
        #expect(!some.contains("No cohort is mature yet"))
        #expect(page([run("base", mature: 0)]).contains("No cohort is mature yet"))
    }

    @Test("shows every place of the law, and says when the law is broken")
    func law() {
        let html = page([run("base")])
        for place in Place.allCases {
            for role in Role.allCases {
                let cell =
                    "data-figure=\"\(place.name).\(role.plural)\" "
                    + "data-value=\"\(place.rawValue + 1)\""
                #expect(html.contains(cell), "\(place) \(role)")
            }
        }
        #expect(html.contains("The law holds"))
        var broken = run("base")
        broken.books[1].consumed += 1
        #expect(page([broken]).contains("The law is broken"))
    }

    @Test("says that a producer is silent, and what that means")
    func silence() {
        #expect(!page([run("base")]).contains("Silence:"))
        var silent = run("base")
        silent.silences = [
            SilentEvents(role: .click, since: 86_400_000, rate: 0.0021, trailingRate: 0.031)
        ]
        let html = page([silent])
        #expect(html.contains("clicks have stayed away since 2 Jan 1970, 00:00:00 (0.21 %"))
        #expect(html.contains("before that 3.1 %"))
    }

    @Test("draws the window, and apart what came too late")
    func delays() {
        let html = page([run("base")])
        #expect(html.contains("window 6 s"))
        #expect(html.components(separatedBy: "<rect class=\"bar late\"").count == 2)
        #expect(html.contains("7.1 % after the window"))
    }

    @Test("with comparisons warns that logs cannot judge another policy")
    func warning() {
        let runs = [run("base"), run("other")]
        let comparison = PairedComparison(
            first: ("base", runs[0].series),
            other: ("other", runs[1].series),
            seed: 1
        )
        let warning = "Logs cannot evaluate a different serving policy"
        #expect(page(runs, comparisons: [comparison]).contains(warning))
        #expect(!page([runs[0]]).contains(warning))
    }

    @Test("of a state in which nothing was applied is a page all the same")
    func nothing() {
        var empty = run("base", mature: 0)
        empty.immatureSeries = []
        empty.streamTime = nil
        empty.delays = []
        empty.reliability = TaskTable(ctr: [], cvr: [], ctcvr: [])
        let html = page([empty])
        #expect(html.contains("Nothing was applied yet"))
        #expect(!html.contains("NaN"))
        #expect(!html.contains("inf\""))
    }

    @Test("survives times and figures at the ends of their range")
    func extremes() {
        var run = run("base")
        run.series[0].start = .min
        run.immatureSeries[1].end = .max
        run.series[1].figures.ctr.calibration = 1e300
        run.series[2].figures.ctr.logLoss = .greatestFiniteMagnitude
        run.reliability.ctr[0].weight = 1e150
        run.reliability.ctr[1].predicted = 1e150
        let html = page([run])
        #expect(!html.contains("\"nan"))
        #expect(!html.contains("inf\""))
    }
}
