import Configure
import Events
import Foundation
import Join
import Pipeline
import Testing

/// What the examples of one impression said.
private struct Story {
    /// The non-null labels, with the time of the example.
    var ctr: [(label: Int, time: Int64)] = []
    var ctcvr: [(label: Int, time: Int64)] = []
    /// ctr, cvr, ctcvr; the same in every example.
    var probabilities: [Double] = []
}

/// The example lines by impression.
private func stories(_ state: EndState) throws -> [String: Story] {
    var stories: [String: Story] = [:]
    for line in try state.exampleLines() {
        let id = try #require(line["impression_id"] as? String)
        let time = try #require(line["ts"] as? Int64)
        let probabilities = try ["ctr", "cvr", "ctcvr"].map { try #require(line[$0] as? Double) }
        var story = stories[id] ?? Story(probabilities: probabilities)
        #expect(story.probabilities == probabilities, "\(id): predictions are made once")
        if let label = line["ctr_label"] as? Int { story.ctr.append((label, time)) }
        if let label = line["ctcvr_label"] as? Int { story.ctcvr.append((label, time)) }
        stories[id] = story
    }
    return stories
}

@Suite("Example lines")
struct ExampleTests {
    @Test("have exactly the keys that are documented, and null where a label is not trained")
    func keys() throws {
        let stream = try EventStream(events: 3_000, seed: 50)
        let end = try StateFolder(configuration()).replay(
            stream,
            advanceTo: stream.lastTime + 60_000
        )
        let lines = try end.exampleLines()
        #expect(lines.count > 1_000)
        var kinds: Set<String> = []
        for line in lines {
            #expect(
                Set(line.keys) == [
                    "impression_id", "ts", "ctr_label", "ctcvr_label", "ctr_weight",
                    "ctcvr_weight", "ctr", "cvr", "ctcvr",
                ]
            )
            for key in ["ctr_label", "ctcvr_label"] {
                let label = line[key] as? Int
                #expect(label == 0 || label == 1 || line[key] is NSNull)
                kinds.insert("\(key) \(label.map(String.init) ?? "null")")
            }
            let ctr = try #require(line["ctr"] as? Double)
            let cvr = try #require(line["cvr"] as? Double)
            let ctcvr = try #require(line["ctcvr"] as? Double)
            #expect(ctr > 0 && ctr < 1 && cvr >= 0 && cvr <= 1)
            #expect(abs(ctcvr - ctr * cvr) <= 1e-5 * ctcvr + 1e-9)
            #expect(line["ctr_weight"] as? Double == 1)
            #expect(line["ctcvr_weight"] as? Double == 1)
        }
        #expect(kinds.count == 6, "\(kinds)")
        let trained = lines.filter { !($0["ctr_label"] is NSNull) }.count
        #expect(end.summary.trained.ctr == trained)
        let trainedBoth = lines.filter { !($0["ctcvr_label"] is NSNull) }.count
        #expect(end.summary.trained.ctcvr == trainedBoth)
    }

    @Test(
        "say of every impression what happened to it, at the time that the timing asks for",
        arguments: LabelTiming.allCases,
        LabelTiming.allCases
    )
    func truth(ctr: LabelTiming, ctcvr: LabelTiming) throws {
        let stream = try EventStream(EventStream.settings(events: 3_000, seed: 51, flawed: false))
        let configuration = try configuration {
            $0.join.ctrTiming = ctr
            $0.join.ctcvrTiming = ctcvr
        }
        let join = configuration.join
        let stories = try stories(
            StateFolder(configuration).replay(stream, advanceTo: stream.lastTime + 100_000)
        )
        let impressions = stream.firstTimes(of: .impression)
        let clicks = stream.firstTimes(of: .click)
        let conversions = stream.firstTimes(of: .conversion)
        #expect(stories.count == impressions.count)
        for (id, time) in impressions {
            let story = try #require(stories[id])
            try #require(story.ctr.count == 1 && story.ctcvr.count == 1, "\(id): \(story)")
            let windowEnd = time + join.clickWindow
            guard let click = clicks[id], click <= windowEnd else {
                #expect(story.ctr[0] == (0, windowEnd))
                #expect(story.ctcvr[0] == (0, windowEnd))
                continue
            }
            #expect(story.ctr[0] == (1, ctr == .known ? click : windowEnd))
            let conversionEnd = click + join.conversionWindow
            if let conversion = conversions[id], conversion <= conversionEnd {
                #expect(story.ctcvr[0] == (1, ctcvr == .known ? conversion : conversionEnd))
            } else {
                #expect(story.ctcvr[0] == (0, conversionEnd))
            }
        }
    }

    @Test("hold the predictions that were made when the impression arrived")
    func arrival() throws {
        let stream = try EventStream(EventStream.settings(events: 4_000, seed: 52, flawed: false))
        let impressions = stream.records(of: .impression)
        let whole = try stories(
            StateFolder(configuration()).replay(stream, advanceTo: stream.lastTime + 60_000)
        )
        var distinct: Set<Double> = []
        for record in [impressions[0], impressions[900], impressions[2_000], impressions[2_800]] {
            // The model that saw nothing beyond the impression's arrival.
            let cut = try stories(
                StateFolder(configuration()).replay(
                    stream.prefix(through: record.time),
                    advanceTo: record.time + 60_000
                )
            )
            let expected = try #require(whole[record.key]).probabilities
            #expect(cut[record.key]?.probabilities == expected, "\(record.key)")
            distinct.formUnion(expected)
        }
        #expect(distinct.count > 6, "the model moves in between")
        // A fresh model predicts the base rates.
        let first = try #require(whole[impressions[0].key]).probabilities
        #expect(abs(first[0] - 0.01) < 0.002)
        #expect(abs(first[2] - 0.001) < 0.0002)
    }
}

@Suite("A limit")
struct LimitTests {
    @Test(
        "of open impressions drops the oldest, counted, and never makes a negative",
        arguments: LabelTiming.allCases
    )
    func openImpressions(timing: LabelTiming) throws {
        let stream = try EventStream(events: 4_000, seed: 60)
        let configuration = try configuration {
            $0.join.openImpressionsMax = 50
            $0.join.ctrTiming = timing
        }
        let state = try StateFolder(configuration)
        let end = try state.replay(stream, advanceTo: stream.lastTime + 100_000)
        #expect(end.summary.dropped.impressions > 1_000)
        #expect(end.openImpressions == 0)
        let stories = try stories(end)
        let impressions = stream.firstTimes(of: .impression)
        let clicks = stream.firstTimes(of: .click)
        let conversions = stream.firstTimes(of: .conversion)
        var negatives = 0
        for (id, story) in stories {
            let time = try #require(impressions[id])
            let click = clicks[id].flatMap { $0 <= time + 20_000 ? $0 : nil }
            let isConverted =
                click.flatMap { click in conversions[id].map { $0 <= click + 30_000 } } ?? false
            for (label, _) in story.ctr {
                #expect(label == (click == nil ? 0 : 1), "\(id)")
                negatives += label == 0 ? 1 : 0
            }
            for (label, _) in story.ctcvr { #expect(label == (isConverted ? 1 : 0), "\(id)") }
        }
        // At 100 impressions a second and windows of 20 s, 50 places hold half a second: only the
        // last ones of the stream live to be negatives.
        #expect(negatives < 60)
        #expect(end.summary.consumed.total == stream.count)
        // Every impression has trained both its labels, or is counted as dropped.
        let whole = stories.values.filter { $0.ctr.count == 1 && $0.ctcvr.count == 1 }.count
        #expect(end.summary.dropped.impressions == impressions.count - whole)
    }

    @Test("of held events drops the oldest, counted")
    func heldEvents() throws {
        // Clicks and conversions without their impressions: all of them are held.
        var stream = try EventStream(events: 3_000, seed: 61)
        for lane in stream.partitions.indices where stream.partitions[lane].role == .impression {
            stream.records[lane] = Array(stream.records[lane].prefix(1))
        }
        let state = try StateFolder(
            configuration {
                $0.join.heldEventsMax = 5
                $0.join.orphanWindow = 20_000
            }
        )
        let end = try state.replay(stream, advanceTo: stream.lastTime + 100_000)
        #expect(end.summary.dropped.clicks > 100)
        #expect(end.summary.dropped.conversions > 10)
        #expect(end.summary.trained.ctr == 4)
        #expect(end.heldEvents == 0)
    }
}
