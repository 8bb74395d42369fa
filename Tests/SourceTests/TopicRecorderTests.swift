import Events
import Foundation
import LZ4
import Source
import Testing

/// A record as a topic may hold it.
enum TopicRecord: Equatable {
    case payload([UInt8])
    case null
    case corrupt(Int64)
    case tooLarge(Int)

    static func text(_ text: String) -> TopicRecord { .payload(Array(text.utf8)) }
}

/// One with its place.
struct PlacedRecord: Equatable {
    var offset: Int64
    var timestamp: Int64?
    var record: TopicRecord
}

extension TopicRecorder {
    /// Takes a record as a source would hand it over.
    fileprivate mutating func take(_ placed: PlacedRecord, partition: Int) {
        var header = RecordHeader(offset: placed.offset, timestamp: placed.timestamp)
        switch placed.record {
        case .payload(let bytes): take(partition: partition, header, .payload, bytes.span)
        case .null: take(partition: partition, header, .null, Span())
        case .corrupt(let count):
            header.offsetCount = count
            take(partition: partition, header, .corrupt, Span())
        case .tooLarge: Issue.record("a topic has no limit")
        }
    }
}

/// Everything that the files of a folder hold, by partition.
private func contents(
    of folder: TemporaryFolder,
    recordBytesMax: Int = 1 << 20,
    resume: [Partition: ResumePoint] = [:]
) throws -> [[PlacedRecord]] {
    var source = try FileSource(
        folder: folder.path,
        recordBytesMax: recordBytesMax,
        resume: resume
    )
    var all: [[PlacedRecord]] = []
    for index in source.partitions.indices {
        var records: [PlacedRecord] = []
        while !source.isAtEnd(partition: index) {
            try source.fetch(partition: index) { header, content, payload in
                let record: TopicRecord =
                    switch content {
                    case .payload: .payload(payload.indices.map { payload[$0] })
                    case .null: .null
                    case .corrupt: .corrupt(header.offsetCount)
                    case .tooLarge(let count): .tooLarge(count)
                    }
                records.append(
                    PlacedRecord(
                        offset: header.offset,
                        timestamp: header.timestamp,
                        record: record
                    )
                )
            }
        }
        all.append(records)
    }
    return all
}

@Suite("Topic recorder") struct TopicRecorderTests {
    private static let partitions =
        (0..<12).map { Partition(role: .impression, name: "shows", number: $0) }
        + [Partition(role: .click, name: "clicks-of-us", number: 0)]

    private func begin(
        _ folder: TemporaryFolder,
        isCompressed: Bool? = nil
    ) throws -> TopicRecorder {
        var recorder = try TopicRecorder(folder: folder.path, isCompressed: isCompressed)
        let points = recorder.resumePoints
        try recorder.begin(
            partitions: Self.partitions,
            starts: Self.partitions.map { points[$0]?.position ?? 0 }
        )
        return recorder
    }

    /// Payloads that a line does not hold by itself, and some that it does.
    private static let poison: [TopicRecord] =
        [
            "", " ", "\n", "{}", "{ }", "{", "}", "[1]", "null", "no JSON", "\u{FEFF}{\"a\":1}",
            #"{"a":1}"#, #"{ "a":1}"#, #" {"a":1}"#, #"{"a":1} "#, "{\"a\":\n1}", "{\"a\":1}\n",
            "{\"a\":1}\r", "{\"a\":\t1}", #"{"_offset":9,"_timestamp":8,"a":1}"#,
            #"{"_null":true}"#, #"{"_corrupt":3}"#, #"{"_base64":"e30="}"#, #"{"a":1,"_offset":2}"#,
            #"{"":1}"#, #"{"é":"ü"}"#, #"{"a":}"#, "{\"a\":\"\u{0}\"}", #"{"a"}"#, #"{"}"#,
        ].map { TopicRecord.text($0) } + [
            .null, .corrupt(1), .corrupt(700), .payload([0xff, 0xfe, 0x80]),
            .payload(Array(#"{"a":""#.utf8) + [0xc3] + Array(#""}"#.utf8)),
            .payload((0...255).map { UInt8($0) }),
        ]

    /// The poison at rising offsets with gaps, some records without timestamp.
    private func placed(_ records: [TopicRecord], from start: Int64 = 0) -> [PlacedRecord] {
        var offset = start
        return records.enumerated().map { index, record in
            offset += Int64(index % 3)
            defer {
                if case .corrupt(let count) = record { offset += count } else { offset += 1 }
            }
            var time: Int64? = index % 4 == 0 ? nil : 1_650_000_000_000 + Int64(index)
            if case .corrupt = record { time = nil }
            return PlacedRecord(offset: offset, timestamp: time, record: record)
        }
    }

    @Test(
        "every payload comes back byte for byte, at its offset and time",
        arguments: [true, false]
    )
    func poison(isCompressed: Bool) throws {
        let folder = try TemporaryFolder()
        var recorder = try begin(folder, isCompressed: isCompressed)
        let records = placed(Self.poison, from: 1_000)
        for record in records { recorder.take(record, partition: 3) }
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        let all = try contents(of: folder)
        #expect(all[3] == records)
        #expect(all.indices.allSatisfy { $0 == 3 || all[$0].isEmpty })
        #expect(recorder.recordCounts == [records.count, 0, 0])
    }

    @Test("the files are named so that their numbers are the partitions' own")
    func names() throws {
        let folder = try TemporaryFolder()
        var recorder = try begin(folder)
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        let source = try FileSource(folder: folder.path, recordBytesMax: 100)
        #expect(source.partitions.map(\.role) == Self.partitions.map(\.role))
        #expect(source.partitions.map(\.number) == Self.partitions.map(\.number))
        #expect(source.partitions[11].name == "impressions-00011")
    }

    @Test("lines are JSON objects that say what they hold, and the lz4 tool reads the files")
    func lines() throws {
        let folder = try TemporaryFolder()
        var recorder = try begin(folder)
        let records: [TopicRecord] = [
            .text(#"{"a":1}"#), .null, .corrupt(2), .text("{}"), .text("x"),
        ]
        var offset: Int64 = 5
        for record in records {
            recorder.take(
                PlacedRecord(offset: offset, timestamp: 7, record: record),
                partition: 0
            )
            offset += record == .corrupt(2) ? 2 : 1
        }
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["lz4", "-dc", folder.path + "/impressions-00000.jsonl.lz4"]
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(
            text.split(separator: "\n") == [
                #"{"_offset":5,"_timestamp":7,"a":1}"#,
                #"{"_offset":6,"_timestamp":7,"_null":true}"#,
                #"{"_offset":7,"_timestamp":7,"_corrupt":2}"#,
                #"{"_offset":9,"_timestamp":7,"_base64":"e30="}"#,
                #"{"_offset":10,"_timestamp":7,"_base64":"eA=="}"#,
            ]
        )
    }

    @Test("what is too large to be read is still recorded whole, and its length is known")
    func tooLarge() throws {
        let folder = try TemporaryFolder()
        var recorder = try begin(folder)
        var records: [PlacedRecord] = []
        var expected: [PlacedRecord] = []
        let counts = [8, 15, 16, 17, 18, 19, 20, 90, 95, 100, 130, 131, 132, 70_000, 900_001]
        for (index, count) in counts.enumerated() {
            for start in ["{\"y\":\"", "!"] {
                let text = start + String(repeating: "y", count: count - start.utf8.count - 2)
                let offset = Int64(records.count)
                let record = TopicRecord.text(text + "\"}")
                records.append(PlacedRecord(offset: offset, timestamp: 1, record: record))
                expected.append(
                    PlacedRecord(
                        offset: offset,
                        timestamp: 1,
                        record: count > 16 ? .tooLarge(count) : record
                    )
                )
                recorder.take(records[records.count - 1], partition: 0)
                if index % 2 == 0 { try recorder.writeIfDue(partition: 0) }
            }
        }
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        #expect(try contents(of: folder, recordBytesMax: 16)[0] == expected)
        #expect(try contents(of: folder)[0] == records)
    }

    @Test("a corrupt batch can be resumed within, and what lay before a position is compared")
    func resume() throws {
        let folder = try TemporaryFolder()
        var recorder = try begin(folder)
        for record in placed([.corrupt(10), .text(#"{"a":1}"#), .text("b")]) {
            recorder.take(record, partition: 0)
        }
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        let partitions = try FileSource(folder: folder.path, recordBytesMax: 100).partitions
        func rest(_ position: Int64, _ hash: UInt64? = nil) throws -> [PlacedRecord] {
            var points: [Partition: ResumePoint] = [:]
            for partition in partitions { points[partition] = ResumePoint(position: 0) }
            points[partitions[0]] = ResumePoint(position: position, lastPayloadHash: hash)
            return try contents(of: folder, resume: points)[0]
        }
        #expect(try rest(4).first == PlacedRecord(offset: 4, record: .corrupt(6)))
        let a = xxHash3(#"{"a":1}"#.utf8Span.span)
        let b = xxHash3("b".utf8Span.span)
        let all = try rest(0)
        #expect(try rest(all[1].offset + 1, a).map(\.record) == [.text("b")])
        #expect(try rest(all[2].offset + 1, b) == [])
        #expect(throws: SourceError.self) { try rest(all[1].offset + 1, b) }
        #expect(throws: SourceError.self) { try rest(10, a) }
    }

    @Test(
        "crashed anywhere and continued, the record is as if there had been no crash",
        arguments: 1...4
    )
    func crashes(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let folder = try TemporaryFolder()
        let isCompressed = seed % 2 == 0
        var rest = (0..<13).map { _ in
            placed(
                (0..<Int.random(in: 0..<900, using: &random)).map { number in
                    .text(
                        "{\"n\":\(number),\"pad\":\"\(String(repeating: "x", count: number % 97 * 9))\"}"
                    )
                }
            )
        }
        let expected = rest
        var completed: [[PlacedRecord]]?
        while true {
            var recorder = try begin(folder, isCompressed: isCompressed)
            let points = recorder.resumePoints
            for (index, partition) in Self.partitions.enumerated() {
                let position = points[partition]?.position ?? 0
                rest[index] = expected[index].filter { $0.offset >= position }
            }
            for _ in 0..<Int.random(in: 0..<3_000, using: &random) {
                let index = Int.random(in: 0..<13, using: &random)
                guard !rest[index].isEmpty else { continue }
                recorder.take(rest[index].removeFirst(), partition: index)
                try recorder.writeIfDue(partition: index)
                if Int.random(in: 0..<400, using: &random) == 0 { try recorder.checkpoint() }
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                try recorder.finish(ends: Self.partitions.map { _ in 0 })
                completed = try contents(of: folder)
                #expect(completed == zip(expected, rest).map { Array($0.dropLast($1.count)) })
                if rest.allSatisfy(\.isEmpty) { break }
            }
            // A crash: whatever was not made durable may be there or not.
            let name = "impressions-0000\(Int.random(in: 0..<10, using: &random)).jsonl"
            let path = "\(folder.path)/\(name)\(isCompressed ? ".lz4" : "")"
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data("{\"half a li".utf8))
            try file.close()
            if let completed {
                #expect(try contents(of: folder) == completed, "seed \(seed)")
            } else {
                let error = #expect(throws: SourceError.self) { try contents(of: folder) }
                #expect(error?.description.contains("did not come to the end") == true)
            }
        }
        #expect(completed == expected, "seed \(seed)")
    }

    @Test("a folder that is not what its record says is refused by name")
    func tampered() throws {
        func refusal(_ change: (TemporaryFolder) throws -> Void) throws -> (String, String) {
            let folder = try TemporaryFolder()
            var recorder = try begin(folder, isCompressed: false)
            for record in placed([.text(#"{"a":1}"#), .text("b")]) {
                recorder.take(record, partition: 0)
            }
            try recorder.finish(ends: Self.partitions.map { _ in 0 })
            try change(folder)
            let reading = #expect(throws: SourceError.self) { try contents(of: folder) }
            var writing = ""
            do {
                _ = try begin(folder)
            } catch { writing = "\(error)" }
            return (reading?.description ?? "", writing)
        }
        let manager = FileManager.default
        let cut = try refusal { try $0.write(Array("{".utf8), to: "impressions-00000.jsonl") }
        #expect(cut.0.contains("impressions-00000.jsonl: 1 bytes long, but"))
        #expect(cut.1.contains("impressions-00000.jsonl: 1 bytes long, but"))
        let gone = try refusal {
            try manager.removeItem(atPath: $0.path + "/impressions-00000.jsonl")
        }
        #expect(gone.0.contains("impressions-00000.jsonl, which was recorded there, is missing"))
        #expect(gone.1.contains("impressions-00000.jsonl: 0 bytes long, but"))
        let more = try refusal { try $0.write([], to: "clicks-a.jsonl") }
        #expect(more.0.contains("clicks-a.jsonl is not of the recording"))
        let garbage = try refusal { try $0.write(Array("{}".utf8), to: "record.json") }
        #expect(garbage.0.contains("record.json: cannot be read"))
        #expect(garbage.1.contains("record.json: cannot be read"))
        let hostile = try refusal {
            let text = String(
                decoding: try Data(contentsOf: URL(filePath: $0.path + "/record.json")),
                as: UTF8.self
            )
            try $0.write(
                Array(text.replacing("impressions-00000.jsonl", with: "../../x").utf8),
                to: "record.json"
            )
        }
        #expect(hostile.0.contains("record.json: impossible values for ../../x"))
    }

    @Test("a folder of other files, or of the other kind, is not recorded into")
    func foreign() throws {
        let other = try TemporaryFolder(["impressions.jsonl": "{}\n"])
        let error = #expect(throws: SourceError.self) {
            _ = try TopicRecorder(folder: other.path, isCompressed: nil)
        }
        #expect(error?.description.contains("holds impressions.jsonl, but no record.json") == true)
        let folder = try TemporaryFolder()
        var recorder = try begin(folder)
        try recorder.finish(ends: Self.partitions.map { _ in 0 })
        let kind = #expect(throws: SourceError.self) {
            _ = try TopicRecorder(folder: folder.path, isCompressed: false)
        }
        #expect(kind?.description.contains("recorded with compression") == true)
    }
}
