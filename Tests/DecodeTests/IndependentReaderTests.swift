import Decode
import Events
import Foundation
import Testing

/// Records are read in one pass by code of our own: what they hold, and whether they are JSON at all, is
/// held against Python's reader.
@Suite struct IndependentReaderTests {
    @Test("60,000 mutated impressions are what Python reads, or are no JSON to it either")
    func mutations() throws {
        let seed: UInt64 = 3
        var generator = Seeded(state: seed)
        let payloads = (0..<60_000).map { round in
            var payload = Array(Self.valid[round % Self.valid.count].utf8)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                mutate(&payload, &generator)
            }
            return payload
        }
        let answers = try Self.read(payloads)
        try #require(answers.count == payloads.count)
        var counts: [Bool: Int] = [:]
        for (payload, answer) in zip(payloads, answers) {
            let batch = decode(payload, as: .impression, schema: mixedSchema)
            let isJSON = batch.rejections.first?.reason != .malformedJSON
            counts[isJSON, default: 0] += 1
            let text = String(decoding: payload, as: UTF8.self)
            #expect(isJSON == answer.hasPrefix("+"), "seed \(seed): \(text)")
            if batch.records[0].kind == .event {
                #expect("+" + Self.hexadecimal(batch.text) == answer, "seed \(seed): \(text)")
            }
        }
        #expect(counts.values.allSatisfy { $0 > 10_000 }, "\(counts)")
    }

    private static let valid = [
        MutationTests.valid[0].1,
        #"{"ts":1650812741436,"impression_id":"\ud83d\ude00 \"b\" \/\\\b","features":{"tab":"x"}}"#,
        #" { "impression_id" : -0 , "ts" : 1650812741436.0 , "a" : [ true , false , null , 1E-3 ] } "#,
        #"{"impression_id":"é€😀","ts":1650812741436,"b":{"c":{"d":[{},[]]}},"b":"\u0000"}"#,
        #"{"impression_id":9223372036854775807,"ts":1650812741436,"features":{"age":0.1e+2}}"#,
    ]

    /// One byte more, less or another, mostly one that means something.
    private func mutate(_ bytes: inout [UInt8], _ generator: inout Seeded) {
        let marks =
            Array(#"{}[]",:\/-+.eEu0123456789tfnd8 "#.utf8) + [0, 9, 0x1F, 0x80, 0xC3, 0xED, 0xFF]
        guard let index = bytes.indices.randomElement(using: &generator) else { return }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = marks.randomElement(using: &generator)!
        case 2: bytes.insert(marks.randomElement(using: &generator)!, at: index)
        default: bytes.remove(at: index)
        }
    }

    /// What Reference/read_json.py says of each, with $FRESHET_PYTHON, or python3.
    private static func read(_ payloads: [[UInt8]]) throws -> [Substring] {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appending(path: "in"), folder.appending(path: "out"))
        let lines = payloads.map { hexadecimal($0) + "\n" }
        try Data(lines.joined().utf8).write(to: input)
        try Data().write(to: output)
        let process = Process()
        let python = ProcessInfo.processInfo.environment["FRESHET_PYTHON"] ?? "python3"
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Reference/read_json.py")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, script.path]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try String(contentsOf: output, encoding: .utf8).split(separator: "\n")
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
