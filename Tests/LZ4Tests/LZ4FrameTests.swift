import Foundation
import LZ4
import Testing

/// Compresses `bytes` as one frame, handed over in pieces of `step` bytes.
func compressed(_ bytes: [UInt8], step: Int = .max) -> [UInt8] {
    var encoder = LZ4FrameEncoder()
    var output: [UInt8] = []
    var start = 0
    while start < bytes.count {
        let end = step < bytes.count - start ? start + step : bytes.count
        unsafe encoder.encode(bytes.span.bytes.extracting(start..<end), into: &output)
        start = end
    }
    encoder.finish(into: &output)
    return output
}

/// Decompresses all of `bytes`, offering at most `step` bytes and asking for at most `outputMax` a time.
func decompressed(
    _ bytes: [UInt8],
    step: Int = 1 << 16,
    outputMax: Int = 1 << 16
) throws -> [UInt8] {
    var decoder = LZ4FrameDecoder()
    var output: [UInt8] = []
    var start = 0
    while true {
        let end = min(bytes.count, start + step)
        let before = output.count
        start += unsafe try decoder.decode(
            bytes.span.bytes.extracting(start..<end),
            into: &output,
            outputMax: outputMax
        )
        #expect(output.count - before <= outputMax)
        if start == bytes.count && output.count - before < outputMax { break }
    }
    try decoder.finish()
    return output
}

/// Bytes that compress by about half.
func sample(count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { index in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return index % 8 < 5 ? UInt8(ascii: "a") : UInt8(truncatingIfNeeded: state >> 56)
    }
}

@Suite struct LZ4FrameTests {
    @Test(
        "what was compressed comes back, in whatever pieces",
        arguments: [0, 1, 100, 65_536, 262_144, 262_145, 5_000_000],
        [7_001, 1 << 20]
    )
    func roundTrip(count: Int, step: Int) throws {
        let bytes = sample(count: count, seed: 1)
        let frame = compressed(bytes, step: step)
        #expect(try decompressed(frame) == bytes)
        #expect(try decompressed(frame, step: 997, outputMax: 1009) == bytes)
        if count > 1000 { #expect(frame.count < count * 3 / 4) }
    }

    @Test("a small frame comes back byte by byte")
    func singleBytes() throws {
        let bytes = sample(count: 1000, seed: 2)
        #expect(try decompressed(compressed(bytes), step: 1, outputMax: 1) == bytes)
    }

    @Test("incompressible bytes grow by little")
    func incompressible() throws {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<1_000_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let frame = compressed(bytes)
        #expect(frame.count < bytes.count + 100)
        #expect(try decompressed(frame) == bytes)
    }

    @Test("concatenated frames are one stream")
    func concatenated() throws {
        var encoder = LZ4FrameEncoder()
        var output: [UInt8] = []
        for part in ["one", "", "two"] {
            unsafe encoder.encode(part.utf8Span.span.bytes, into: &output)
            encoder.finish(into: &output)
        }
        #expect(try decompressed(output) == Array("onetwo".utf8))
        #expect(try decompressed(output, step: 3, outputMax: 2) == Array("onetwo".utf8))
    }

    @Test("a frame with any one byte altered is refused, or has the same content")
    func mutations() {
        let bytes = sample(count: 300, seed: 3)
        let frame = compressed(bytes)
        for index in frame.indices {
            for change in [1, 0x80, 0xFF, 0x20] as [UInt8] {
                var altered = frame
                altered[index] ^= change
                let content = try? decompressed(altered)
                #expect(content == nil || content == bytes, "byte \(index) ^ \(change)")
            }
        }
    }

    @Test("a frame cut anywhere is refused")
    func truncations() throws {
        let frame = compressed(sample(count: 500, seed: 4))
        for count in 0..<frame.count {
            #expect(throws: LZ4Error.truncated) { try decompressed(Array(frame[..<count])) }
        }
        #expect(throws: LZ4Error.truncated) { try decompressed(frame + frame.dropLast()) }
    }

    @Test("what is no frame is refused, also after one")
    func garbage() {
        #expect(throws: LZ4Error.self) { try decompressed(Array("impression".utf8)) }
        let frame = compressed([1, 2, 3])
        #expect(throws: LZ4Error.self) { try decompressed(frame + Array("impression".utf8)) }
    }

    @Test("a decoder that has refused bytes goes on refusing")
    func refusesForEver() throws {
        var decoder = LZ4FrameDecoder()
        var output: [UInt8] = []
        for bytes in [Array("impression".utf8), compressed([1])] {
            #expect(throws: LZ4Error.self) {
                unsafe try decoder.decode(bytes.span.bytes, into: &output, outputMax: 100)
            }
        }
        #expect(throws: LZ4Error.self) { try decoder.finish() }
        #expect(output.isEmpty)
    }

    @Test("random bytes behind a frame's header never crash", arguments: [UInt64(1), 2, 3])
    func hostile(seed: UInt64) {
        let header = compressed([]).prefix(7)
        for round in 0..<2000 {
            let bytes = header + sample(count: round % 200, seed: seed &+ UInt64(round) &* 77)
            _ = try? decompressed(Array(bytes))
        }
    }

    @Test("a frame that claims a huge content is decoded in small steps")
    func hugeClaim() throws {
        // Magic, flags (version 1, content size), 4 MiB blocks, the size 2^63 - 1, header checksum.
        let header: [UInt8] = [
            0x04, 0x22, 0x4D, 0x18, 0x68, 0x70, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
        ]
        var refused = 0
        for checksum in UInt8.min...UInt8.max {
            var decoder = LZ4FrameDecoder()
            var output: [UInt8] = []
            do {
                // An uncompressed block of three bytes, then the end mark.
                let frame = header + [checksum, 3, 0, 0, 0x80, 1, 2, 3, 0, 0, 0, 0]
                _ = unsafe try decoder.decode(frame.span.bytes, into: &output, outputMax: 100)
            } catch {
                refused += 1
            }
            #expect(output.count <= 3)
            #expect(output.capacity < 1000)
        }
        #expect(refused == 256)
    }

    @Test(
        "the lz4 command reads our frames and we read its",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/lz4"), "lz4 is absent")
    )
    func command() throws {
        let bytes = sample(count: 1_000_000, seed: 5)
        #expect(try lz4(["-dc"], input: compressed(bytes)) == bytes)
        for flags in [["-c"], ["-c", "-9", "-BX", "--content-size"], ["-c", "-B4", "-BI"]] {
            #expect(try decompressed(lz4(flags, input: bytes)) == bytes)
        }
    }

    private func lz4(_ arguments: [String], input: [UInt8]) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("lz4-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("input")
        try Data(input).write(to: file)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/lz4")
        process.arguments = arguments + [file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Array(bytes)
    }
}
