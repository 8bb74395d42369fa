import Events
import Foundation
import LZ4
import Source
import Testing

/// A temporary folder of files, removed with its owner.
final class TemporaryFolder {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = NSTemporaryDirectory() + "file-source-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(Array(text.utf8), to: name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
}

func compressed(_ text: String) -> [UInt8] {
    var encoder = LZ4FrameEncoder()
    var output: [UInt8] = []
    unsafe encoder.encode(text.utf8Span.span.bytes, into: &output)
    encoder.finish(into: &output)
    return output
}

/// One record as a source handed it over.
struct Received: Equatable {
    var offset: Int64
    var timestamp: Int64?
    /// The payload; nil if it was too large.
    var text: String?
    var byteCount: Int
}

func receive(
    _ source: inout FileSource,
    partition: Int,
    limit: Int = .max
) throws(SourceError) -> [Received] {
    var records: [Received] = []
    while !source.isAtEnd(partition: partition) && records.count < limit {
        try source.fetch(partition: partition) { header, content, payload in
            let text = String(decoding: payload.indices.map { payload[$0] }, as: UTF8.self)
            switch content {
            case .payload:
                records.append(
                    Received(
                        offset: header.offset,
                        timestamp: header.timestamp,
                        text: text,
                        byteCount: payload.count
                    )
                )
            case .tooLarge(let byteCount):
                records.append(
                    Received(
                        offset: header.offset,
                        timestamp: header.timestamp,
                        byteCount: byteCount
                    )
                )
            case .null, .corrupt:
                Issue.record("an ordinary file has no such records")
            }
            #expect(header.offsetCount == 1)
        }
    }
    return records
}

/// All records of the folder's first file.
func receive(
    _ folder: TemporaryFolder,
    recordBytesMax: Int = 1 << 20,
    start: Int64? = nil,
    hash: UInt64? = nil
) throws(SourceError) -> [Received] {
    var points: [Partition: ResumePoint] = [:]
    if let start {
        points[Partition(role: .impression, name: "impressions", number: 0)] = ResumePoint(
            position: start,
            lastPayloadHash: hash
        )
    }
    var source = try FileSource(
        folder: folder.path,
        recordBytesMax: recordBytesMax,
        resume: points
    )
    return try receive(&source, partition: 0)
}

@Suite struct FileSourceTests {
    @Test("files are partitions by role, named without extensions, numbered in byte order")
    func partitions() throws {
        let folder = try TemporaryFolder([
            "impressions-10.jsonl": "", "impressions-2.jsonl": "", "impressions-Z.jsonl": "",
            "impressions-é.jsonl": "", "clicks.jsonl": "", "conversions_a.jsonl": "",
            "readme.txt": "", "impressions.csv": "", "clicks.jsonl.gz": "", "my-clicks.jsonl": "",
        ])
        try folder.write(compressed(""), to: "impressions-a.jsonl.lz4")
        let source = try FileSource(folder: folder.path, recordBytesMax: 100)
        let names = ["-10", "-2", "-Z", "-a", "-é"].enumerated().map {
            Partition(role: .impression, name: "impressions\($1)", number: Int32($0))
        }
        #expect(
            source.partitions == names + [
                Partition(role: .click, name: "clicks", number: 0),
                Partition(role: .conversion, name: "conversions_a", number: 0),
            ]
        )
    }

    @Test("the line number is the offset; blank lines have a number but no record")
    func lines() throws {
        let folder = try TemporaryFolder([
            "impressions.jsonl": "a\nbb\r\n\n  \t\r\nc c\r\n\r\nlast"
        ])
        #expect(
            try receive(folder) == [
                Received(offset: 0, text: "a", byteCount: 1),
                Received(offset: 1, text: "bb", byteCount: 2),
                Received(offset: 4, text: "c c", byteCount: 3),
                Received(offset: 6, text: "last", byteCount: 4),
            ]
        )
    }

    @Test("an empty file has no records, compressed or not")
    func emptyFiles() throws {
        let folder = try TemporaryFolder(["impressions.jsonl": ""])
        try folder.write(compressed(""), to: "clicks.jsonl.lz4")
        var source = try FileSource(folder: folder.path, recordBytesMax: 100)
        #expect(try receive(&source, partition: 0) == [])
        #expect(try receive(&source, partition: 1) == [])
        #expect(source.bytesRead == source.bytesTotal)
    }

    @Test("lines of all lengths come back, plain and compressed", arguments: [UInt64(1), 2, 3])
    func lengths(seed: UInt64) throws {
        var state = seed
        func random(_ bound: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % bound)
        }
        var lines: [String] = []
        for index in 0..<400 {
            lines.append(
                "\(index):"
                    + String(repeating: "x", count: random(10) == 0 ? random(150_000) : random(300))
            )
        }
        let text = lines.joined(separator: seed == 1 ? "\r\n" : "\n")
        let plain = try TemporaryFolder(["impressions.jsonl": text])
        let packed = try TemporaryFolder()
        try packed.write(compressed(text), to: "impressions.jsonl.lz4")
        let expected = lines.enumerated().map {
            Received(offset: Int64($0), text: $1, byteCount: $1.utf8.count)
        }
        #expect(try receive(plain) == expected, "seed \(seed)")
        #expect(try receive(packed) == expected, "seed \(seed)")
        let cut = try receive(packed, recordBytesMax: 1000)
        #expect(cut.map(\.byteCount) == expected.map(\.byteCount), "seed \(seed)")
        #expect(cut.map { $0.text == nil } == expected.map { $0.byteCount > 1000 }, "seed \(seed)")
    }

    @Test(
        "a line beyond the limit is too large, by one byte or by many",
        arguments: ["\n", "\r\n", ""]
    )
    func tooLarge(end: String) throws {
        for count in [9, 10, 11, 73, 74, 75, 76, 65_534, 65_535, 65_536, 65_537, 131_072, 300_000] {
            let folder = try TemporaryFolder([
                "impressions.jsonl": "x\n" + String(repeating: "y", count: count) + end
                    + (end.isEmpty ? "" : "z\n")
            ])
            let records = try receive(folder, recordBytesMax: 10)
            #expect(records.count == (end.isEmpty ? 2 : 3))
            #expect(records[1].offset == 1)
            #expect(records[1].byteCount == count)
            #expect((records[1].text == nil) == (count > 10))
            #expect(end.isEmpty || records[2] == Received(offset: 2, text: "z", byteCount: 1))
        }
    }

    @Test("a recorded line has its own offset and timestamp, and the record's bytes")
    func recorded() throws {
        let large = #"{"y":"\#(String(repeating: "y", count: 100))"}"#
        let folder = try TemporaryFolder([
            "impressions.jsonl": RecordedLine.prefix(offset: 5, timestamp: 1_650_812_741_436)
                + #""a":1}"# + "\n"
                + RecordedLine.prefix(offset: 9, timestamp: nil) + "}\n"
                + RecordedLine.prefix(offset: .max - 1, timestamp: .max) + large.dropFirst()
        ])
        #expect(
            try receive(folder, recordBytesMax: 100) == [
                Received(
                    offset: 5,
                    timestamp: 1_650_812_741_436,
                    text: #"{"a":1}"#,
                    byteCount: 7
                ),
                Received(offset: 9, text: "{}", byteCount: 2),
                Received(offset: .max - 1, timestamp: .max, byteCount: 108),
            ]
        )
    }

    @Test(
        "a line that is not quite a recorded one is an ordinary one",
        arguments: [
            #"{"_offset":5,"_timestamp":6}"#, #"{ "_offset":5,"_timestamp":6,"a":1}"#,
            #"{"_offset": 5,"_timestamp":6,"a":1}"#, #"{"_offset":-5,"_timestamp":6,"a":1}"#,
            #"{"_offset":5,"_timestamp":-2,"a":1}"#, #"{"_offset":,"_timestamp":6,"a":1}"#,
            #"{"_offset":9223372036854775808,"_timestamp":6,"a":1}"#,
            #"{"_offset":5,"_timestamp":"#,
            #"{"_timestamp":6,"_offset":5,"a":1}"#, #"{"_offset":"5","_timestamp":6,"a":1}"#,
        ]
    )
    func ordinary(line: String) throws {
        let folder = try TemporaryFolder(["impressions.jsonl": line])
        #expect(
            try receive(folder) == [Received(offset: 0, text: line, byteCount: line.utf8.count)]
        )
    }

    @Test("offsets that do not increase are an error naming file and line")
    func offsets() throws {
        let first = RecordedLine.prefix(offset: 5, timestamp: 6) + "}\n"
        for second in [first, RecordedLine.prefix(offset: 4, timestamp: 7) + "}\n", "{}\n"] {
            let folder = try TemporaryFolder(["impressions.jsonl": "\n" + first + second])
            let error = #expect(throws: SourceError.self) { try receive(folder) }
            #expect(error?.description.contains("/impressions.jsonl, line 3: offset") == true)
        }
    }

    @Test("a source resumes at any offset and hands over the rest")
    func resume() throws {
        let text = (0..<1000).map { $0 % 7 == 3 ? "" : "line \($0)" }.joined(separator: "\n")
        let folder = try TemporaryFolder()
        try folder.write(compressed(text), to: "impressions.jsonl.lz4")
        let all = try receive(folder)
        #expect(all.count == 857)
        for start in [0, 1, 3, 4, 255, 256, 257, 999, 1000] as [Int64] {
            #expect(try receive(folder, start: start) == all.filter { $0.offset >= start })
        }
        let error = #expect(throws: SourceError.self) { try receive(folder, start: 1001) }
        #expect(error?.description.contains("ends at offset 1000") == true)
    }

    @Test("a resume is refused where another record lies before it than was read there")
    func resumeReplaced() throws {
        let folder = try TemporaryFolder(["impressions.jsonl": "a\nb\n\nc\n"])
        let b = xxHash3("b".utf8Span.span)
        #expect(try receive(folder, start: 2, hash: b).map(\.text) == ["c"])
        // Nothing is known of what was read last, or nothing lies there.
        #expect(try receive(folder, start: 2).map(\.text) == ["c"])
        #expect(try receive(folder, start: 3, hash: b).map(\.text) == ["c"])
        for start: Int64 in [1, 4] {
            let error = #expect(throws: SourceError.self) {
                try receive(folder, start: start, hash: b)
            }
            #expect(
                error?.description.contains(
                    "/impressions.jsonl: the record at offset \(start - 1) is not"
                ) == true
            )
        }
        let null = try TemporaryFolder([
            "impressions.jsonl": #"{"_offset":1,"_timestamp":1,"_null":true}"#
        ])
        #expect(throws: SourceError.self) { try receive(null, start: 2, hash: b) }
    }

    @Test("a resumed recorded file starts at its offset")
    func resumeRecorded() throws {
        let lines = [3, 10, 11].map { RecordedLine.prefix(offset: $0, timestamp: 1) + "}" }
        let folder = try TemporaryFolder(["impressions.jsonl": lines.joined(separator: "\n")])
        #expect(try receive(folder, start: 4).map(\.offset) == [10, 11])
        #expect(try receive(folder, start: 12).map(\.offset) == [])
        #expect(throws: SourceError.self) { try receive(folder, start: 13) }
    }

    @Test("resuming with a changed set of files is an error")
    func changedFiles() throws {
        let folder = try TemporaryFolder(["impressions.jsonl": "", "clicks.jsonl": ""])
        let impressions = Partition(role: .impression, name: "impressions", number: 0)
        let clicks = Partition(role: .click, name: "clicks", number: 0)
        let other = Partition(role: .click, name: "clicks2", number: 1)
        let point = ResumePoint(position: 0)
        _ = try FileSource(
            folder: folder.path,
            recordBytesMax: 10,
            resume: [impressions: point, clicks: point]
        )
        let added = #expect(throws: SourceError.self) {
            _ = try FileSource(
                folder: folder.path,
                recordBytesMax: 10,
                resume: [impressions: point]
            )
        }
        #expect(added?.description.contains("clicks was not there") == true)
        let missing = #expect(throws: SourceError.self) {
            _ = try FileSource(
                folder: folder.path,
                recordBytesMax: 10,
                resume: [impressions: point, clicks: point, other: point]
            )
        }
        #expect(missing?.description.contains("clicks2 is missing") == true)
    }

    @Test("a fetch hands over a bounded number, and progress grows to the files' size")
    func bounded() throws {
        let text = String(repeating: "record\n", count: 100_000)
        let folder = try TemporaryFolder(["impressions.jsonl": text])
        var source = try FileSource(folder: folder.path, recordBytesMax: 100)
        #expect(source.bytesTotal == 700_000)
        #expect(source.bytesRead == 0)
        var count = 0
        while !source.isAtEnd(partition: 0) {
            var fetched = 0
            try source.fetch(partition: 0) { _, _, _ in fetched += 1 }
            #expect(fetched <= 256)
            #expect(fetched > 0 || source.isAtEnd(partition: 0))
            count += fetched
            #expect(source.bytesRead >= count * 7)
        }
        #expect(count == 100_000)
        #expect(source.bytesRead == 700_000)
    }

    @Test("what cannot be opened is an error naming it")
    func unopened() throws {
        func error(_ folder: String) -> String? {
            #expect(throws: SourceError.self) {
                _ = try FileSource(folder: folder, recordBytesMax: 100)
            }?.description
        }
        #expect(
            error("/no/such/folder")
                == "cannot read the folder /no/such/folder: No such file or directory"
        )
        let empty = try TemporaryFolder(["clicks.jsonl": ""])
        #expect(error(empty.path)?.contains("no impressions") == true)
        let both = try TemporaryFolder(["impressions.jsonl": "", "impressions.jsonl.lz4": ""])
        #expect(error(both.path)?.contains("both impressions.jsonl and") == true)
        let dangling = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: dangling.path + "/impressions.jsonl",
            withDestinationPath: "/no/such/file"
        )
        #expect(error(dangling.path)?.contains("/impressions.jsonl: No such file") == true)
    }

    @Test("what cannot be read is an error naming it")
    func unread() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/impressions.jsonl",
            withIntermediateDirectories: false
        )
        let error = #expect(throws: SourceError.self) { try receive(folder) }
        #expect(error?.description.contains("/impressions.jsonl: Is a directory") == true)
    }

    @Test("a damaged or cut compressed file is an error saying about where")
    func damaged() throws {
        var state: UInt64 = 7
        let text = (0..<60_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return "\(state)"
        }.joined(separator: "\n")
        var bytes = compressed(text)
        let folder = try TemporaryFolder()
        try folder.write(Array(bytes.dropLast(1000)), to: "impressions.jsonl.lz4")
        let cut = #expect(throws: SourceError.self) { try receive(folder) }
        #expect(
            cut?.description.contains("/impressions.jsonl.lz4: LZ4 frame without its end") == true
        )
        #expect(cut?.description.hasSuffix("and \(bytes.count - 1000)") == true)

        bytes[bytes.count / 2] ^= 4
        try folder.write(bytes, to: "impressions.jsonl.lz4")
        let altered = #expect(throws: SourceError.self) { try receive(folder) }
        #expect(
            altered?.description.contains("/impressions.jsonl.lz4: damaged LZ4 frame") == true
        )

        try folder.write([], to: "impressions.jsonl.lz4")
        #expect(throws: SourceError.self) { try receive(folder) }
    }
}
