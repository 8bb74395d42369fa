import Events
import Foundation
import Generate
import Snapshot
import Testing

@Suite struct EventFolderTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/generate-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private static func names(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path)
    }

    private static func lines(_ path: String) throws -> [[UInt8]] {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes.last == UInt8(ascii: "\n"))
        return bytes.dropLast().split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    @Test("the files hold every event in order, one per line, and nothing else")
    func files() throws {
        let settings = GeneratorSettings(events: 8_000, seed: 31)
        let events = try record(settings)
        try Self.withFolder { path in
            let folder = try EventFolder(path, writesPlanted: true)
            var feed = StreamFeed(try StreamGenerator(settings), to: folder)
            try feed.send()
            #expect(try Self.names(in: path).filter { !$0.hasSuffix(".partial") } == [])
            try feed.sink.finish(report: Array("{}".utf8))
            for role in Role.allCases {
                let wanted = events.filter { $0.event.role == role }.map(\.payload)
                #expect(try Self.lines("\(path)/\(role.plural).jsonl") == wanted)
                let count = feed.count(of: role)
                #expect(count == wanted.count)
            }
            let planted = try Self.lines(path + "/planted.jsonl").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
            }
            let impressions = events.filter { $0.event.planted != nil }
            #expect(planted.count == impressions.count)
            for (line, impression) in zip(planted, impressions) {
                #expect(line["impression_id"] as? String == impression.key)
                let probability = try #require(impression.event.planted?.probability)
                // JSONSerialization may miss the last digit.
                for (name, wanted) in [("ctr", probability.ctr), ("cvr", probability.cvr)] {
                    #expect(abs((line[name] as? Double ?? 0) / wanted - 1) < 1e-14)
                }
                #expect(abs((line["ctcvr"] as? Double ?? 0) / probability.ctcvr - 1) < 1e-14)
            }
            #expect(try Self.names(in: path).count == 5)
        }
    }

    @Test("events of an impression go to partitions of one number, none is lost")
    func partitions() throws {
        let settings = GeneratorSettings(events: 5_000, seed: 32)
        try Self.withFolder { path in
            var feed = StreamFeed(
                try StreamGenerator(settings),
                to: try EventFolder(path, partitionCount: 12)
            )
            try feed.send()
            try feed.sink.finish(report: [])
            var impressions = 0
            for partition in 0..<12 {
                let number = partition < 10 ? "0\(partition)" : "\(partition)"
                let ids = Set(try Self.ids("\(path)/impressions-\(number).jsonl"))
                let clicks = try Self.ids("\(path)/clicks-\(number).jsonl")
                #expect(!clicks.isEmpty && ids.isSuperset(of: clicks))
                impressions += ids.count
            }
            let wanted = feed.count(of: .impression)
            #expect(impressions == wanted)
        }
    }

    private static func ids(_ path: String) throws -> [String] {
        try lines(path).map {
            let json = try JSONSerialization.jsonObject(with: Data($0))
            return try #require((json as? [String: Any])?["impression_id"] as? String)
        }
    }

    @Test(
        "a folder that holds a stream is refused and left alone",
        arguments: [
            "impressions.jsonl", "clicks-03.jsonl.lz4", "planted.json",
        ]
    )
    func overwriting(name: String) throws {
        try Self.withFolder { path in
            try DiskFileSystem().makeDirectory(path)
            try Data("kept".utf8).write(to: URL(fileURLWithPath: path + "/" + name))
            let error = #expect(throws: FileError.self) { _ = try EventFolder(path) }
            #expect(error?.path == path + "/" + name)
            #expect(error?.reason == "exists already; choose another folder or remove it")
            #expect(try Self.names(in: path) == [name])
        }
    }

    @Test("a stream that is given up leaves no file")
    func abandoned() throws {
        try Self.withFolder { path in
            do {
                let folder = try EventFolder(path)
                let generator = try StreamGenerator(GeneratorSettings(events: 3_000, seed: 33))
                var feed = StreamFeed(generator, to: folder)
                for _ in 0..<2_000 { try feed.step() }
            }
            #expect(try Self.names(in: path) == [])
        }
    }

    @Test("a feed sends what is due and no more")
    func pacing() throws {
        struct Times: GeneratedEventSink {
            var times: [Int64] = []
            mutating func send(_ event: GeneratedEvent, key: Span<UInt8>, payload: Span<UInt8>) {
                times.append(event.time)
            }
        }
        let settings = GeneratorSettings(events: nil, seed: 34)
        var feed = StreamFeed(try StreamGenerator(settings), to: Times())
        for second in 1...20 {
            let now = settings.start + Int64(second) * 1_000
            try feed.send(through: now)
            let (last, next) = (feed.sink.times.last ?? .max, feed.nextTime ?? .min)
            #expect(last <= now && next > now)
            let impressions = feed.count(of: .impression)
            #expect(impressions == second * 100 + 1)
        }
        let (last, sent) = (feed.lastTime, feed.sink.times)
        #expect(last == sent.last && sent == sent.sorted())
    }

    @Test("the report tells the settings, the size and the figures")
    func report() throws {
        var settings = GeneratorSettings(events: 20_000, seed: 35)
        settings.shiftAfter = 10_000
        settings.newAd = GeneratorSettings.NewAd(after: 5_000)
        struct Nowhere: GeneratedEventSink {
            mutating func send(_ event: GeneratedEvent, key: Span<UInt8>, payload: Span<UInt8>) {}
        }
        var feed = StreamFeed(try StreamGenerator(settings), to: Nowhere())
        try feed.send()
        let oracle = feed.oracle
        let bytes = try JSONEncoder().encode(PlantedReport(feed))
        let report = try JSONDecoder().decode(PlantedReport.self, from: bytes)
        #expect(report.settings == settings)
        #expect(report.impressions + report.clicks + report.conversions == 20_000)
        #expect(report.all.ctr == oracle.all.ctr && report.all.ctr.count == report.impressions)
        #expect(report.all.ctr.positives == report.clicks)
        #expect(report.all.ctcvr.positives == report.conversions)
        #expect(report.beforeShift?.cvr == oracle.beforeShift.cvr)
        #expect(report.afterShift?.ctcvr == oracle.afterShift.ctcvr)
        let newAd = try #require(report.newAd)
        #expect(newAd.id == 2_000 && newAd.impressions > 1_000 && newAd.clicks > 0)
        #expect(newAd.firstTime ?? 0 > settings.start)
    }
}
