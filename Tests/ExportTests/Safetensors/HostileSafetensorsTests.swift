import Configure
import Export
import Foundation
import Learn
import Pipeline
import TestSupport
import Testing

@Suite struct HostileSafetensorsTests {
    /// A file of this header, its length before it, and so many bytes of values.
    private func file(_ header: String, values: Int = 0, length: UInt64? = nil) -> Data {
        let count = (length ?? UInt64(header.utf8.count)).littleEndian
        var data = Data()
        for byte in 0..<8 { data.append(UInt8(truncatingIfNeeded: count >> (byte * 8))) }
        data += Data(header.utf8)
        return data + Data(count: values)
    }

    private func read(_ data: Data, _ folder: TemporaryFolder) throws {
        try data.write(to: URL(filePath: folder.path("hostile.safetensors")))
        _ = try SafetensorsModel(file: folder.path("hostile.safetensors"))
    }

    @Test(
        "a header that contradicts itself or the file is refused, naming what is wrong",
        arguments: [
            ("", 0, nil, "'{'"),
            ("{}", 0, 1 << 63, "a header of 9223372036854775808"),
            ("{}", 0, 3, "a header of 3"),
            ("{}", 4, nil, "describes 0 bytes of values, but 4 follow it"),
            (#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, 8, nil, "expected F32"),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, nil, "shape is [2]"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 0, nil, "but 0 follow"),
            (
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, nil,
                "begins at 4, where those before it end at 0"
            ),
            (
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                    + #""b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, nil,
                "begins at 0, where those before it end at 4"
            ),
            (
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                    + #""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, nil,
                "names \"a\" twice"
            ),
            (#"{"a":{"dtype":"F32","shape":[1]}}"#, 0, nil, "does not say"),
            (#"{"a":{"dtype":"F32","dtype":"F32"}}"#, 0, nil, "says \"dtype\""),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 0, nil, "no range"),
            (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, nil, "whole number"),
            (
                #"{"a":{"dtype":"F32","shape":[999999999999999999,999999999999999999],"#
                    + #""data_offsets":[0,4]}}"#, 4, nil, "too large"
            ),
            (
                #"{"a":{"dtype":"F32","shape":[999999999999999999],"#
                    + #""data_offsets":[0,3999999999999999996]}}"#, 4, nil, "whole number"
            ),
            (#"{"__metadata__":{"a":{"a":{}}}}"#, 0, nil, "not JSON as expected"),
            (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, nil, "\"a\" twice in __metadata__"),
            (#"{"__metadata__":{"a":"\ud800"}}"#, 0, nil, "a whole character"),
            (#"{"a":[[[[[["#, 0, nil, "not JSON as expected"),
            ("{} x", 0, nil, "nothing more"),
            ("{}", 0, nil, "has no metadata configuration"),
            (#"{"__metadata__":{"configuration":"["}}"#, 0, nil, "metadata configuration is not"),
            (#"{"__metadata__":{"configuration":"[]"}}"#, 0, nil, "features"),
        ] as [(String, Int, UInt64?, String)]
    )
    func header(header: String, values: Int, length: UInt64?, reason: String) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: ExportError.self) {
            try read(file(header, values: values, length: length), folder)
        }
        let text = error?.description ?? ""
        #expect(text.contains(folder.path("hostile.safetensors")), "\(text)")
        #expect(text.contains(reason), "\(text)")
        #expect(!text.contains("\n"), "\(text)")
    }

    @Test("a deep header, a huge one and a missing file are refused")
    func extremes() throws {
        let folder = try TemporaryFolder()
        let deep = String(repeating: #"{"a":"#, count: 1_000_000)
        #expect(throws: ExportError.self) { try read(file(deep), folder) }
        let wide = String(repeating: "9", count: 1_000_000)
        #expect(throws: ExportError.self) { try read(file("{\"a\":\(wide)"), folder) }
        let error = #expect(throws: ExportError.self) {
            _ = try SafetensorsModel(file: folder.path("none"))
        }
        #expect(error?.description.contains(folder.path("none")) == true)
    }

    @Test("a file that is cut anywhere is refused")
    func truncated() throws {
        let folder = try TemporaryFolder()
        let path = try TrainedModel(steps: 20).write(to: folder, withOptimizer: true)
        let whole = try Data(contentsOf: URL(filePath: path))
        var random = SeededGenerator(seed: 5)
        let cuts =
            [0, 1, 7, 8, 9, whole.count - 1]
            + (0..<100).map { _ in Int.random(in: 0..<whole.count, using: &random) }
        for cut in cuts {
            #expect(throws: ExportError.self, "cut at \(cut)") {
                try read(whole.prefix(cut), folder)
            }
        }
    }

    @Test("a header with bytes changed is refused or read, and never crashes", arguments: 0..<8)
    func mutated(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let path = try TrainedModel(steps: 20).write(to: folder, withOptimizer: seed % 2 == 0)
        let whole = try Data(contentsOf: URL(filePath: path))
        let header = 8 + whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for _ in 0..<150 {
            var mutant = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<header, using: &random)
                // Characters that mean something to the format, or any.
                let bytes =
                    Array("\"{}[],:\\0129eu ".utf8) + [UInt8.random(in: 0...255, using: &random)]
                mutant[place] = bytes.randomElement(using: &random)!
            }
            do {
                try read(mutant, folder)
            } catch let error as ExportError {
                refused += 1
                #expect(error.description.contains("hostile.safetensors"), "seed \(seed): \(error)")
            }
        }
        // A change within a text of the metadata can pass.
        #expect(refused > 0, "seed \(seed)")
    }

    @Test("tensors other than those of the file's own configuration are refused by name")
    func otherTensors() throws {
        let folder = try TemporaryFolder()
        let small = try TrainedModel(steps: 1)
        let deep = try TrainedModel("loss: {gamma: 1}\nseed: 3", steps: 1)
        var wide = try TrainedModel(steps: 1).configuration
        wide.learn.network.towerLayers = [7]
        let entries = wide.canonical.map { ConfigurationEntry(key: $0.key, value: $0.value) }
        let path = folder.path("model.safetensors")
        _ = try SafetensorsWriter().write(
            small.serving(),
            metadata: [(SafetensorsMetadata.configuration, SafetensorsMetadata.text(of: entries))],
            to: path
        )
        let error = #expect(throws: ExportError.self) { try SafetensorsModel(file: path) }
        #expect(error?.description.contains("tower.ctr.0.weight") == true)
        // Another loss or seed has the same tensors.
        let other = try deep.write(to: folder, withOptimizer: false)
        #expect(try SafetensorsModel(file: other).configuration.learn.loss.gamma == 1)
    }
}
