import Foundation
import Snapshot
import TestSupport
import Testing

/// In processes of their own with a limit of memory, so that a crash or an allocation by a claimed
/// size fails one test.
@Suite("A damaged snapshot", .serialized)
struct DamagedSnapshotTests {
    @Test("truncated at every length up to 4 KiB is passed over by name, or its CURRENT is")
    func truncated() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let pair = try SnapshotPair(scene: folder)
            limitMemory(bytes: 256 << 20)
            var cases = 0
            for name in SnapshotPair.fileNames {
                let path = pair.path(SnapshotPair.newer, name)
                let whole = pair.files.contents[path]!
                for length in 0..<min(4_097, whole.count) {
                    var files = pair.files
                    files.contents[path] = Array(whole[..<length])
                    let refusal = pair.refusal(files)
                    #expect(refusal?.contains(path) == true, "\(name) of \(length) bytes")
                    cases += 1
                    guard length % 64 == 0 else { continue }
                    let outcome = pair.resume(files)
                    #expect(outcome.name == SnapshotPair.older, "\(name) of \(length) bytes")
                    #expect(outcome.warnings == [refusal], "\(name) of \(length) bytes")
                }
            }
            let current = pair.directory + "/CURRENT"
            for length in 0..<11 {
                var files = pair.files
                files.contents[current] = Array(files.contents[current]![..<length])
                let outcome = pair.resume(files)
                #expect(outcome.name == SnapshotPair.newer, "CURRENT of \(length) bytes")
                #expect(outcome.warnings.contains { $0.contains(current) }, "\(length)")
            }
            try #require(cases > 10_000)
        }
    }

    @Test("mutated 10,000 times is never accepted")
    func mutated() async throws {
        let scene = try makeSnapshotPair()
        await #expect(processExitsWith: .success) { [folder = scene.folder.path as String] in
            let seed: UInt64 = 43
            let pair = try SnapshotPair(scene: folder)
            limitMemory(bytes: 256 << 20)
            var mutation = SnapshotMutation(pair, seed: seed)
            var passedOver = 0
            var refused = 0
            for number in 0..<10_000 {
                let (files, damaged) = mutation.next()
                if damaged.isEmpty { continue }
                let outcome = pair.resume(files, isDeep: number % 16 == 0)
                let place = "mutation \(number) of seed \(seed): \(mutation.description)"
                func isDamaged(_ part: String) -> Bool { damaged.contains { $0.contains(part) } }
                func isNamed(_ part: String) -> Bool {
                    outcome.texts.contains { $0.contains(part) }
                }
                let expected: [String?]
                if isDamaged("CURRENT") {
                    #expect(isNamed("CURRENT"), "\(place): \(outcome)")
                    expected = [SnapshotPair.older, SnapshotPair.newer]
                } else if !isDamaged(SnapshotPair.newer) {
                    expected = [SnapshotPair.newer]
                } else if isDamaged(SnapshotPair.older) {
                    expected = [nil]
                    #expect(outcome.error != nil, "\(place)")
                    refused += 1
                } else {
                    expected = [SnapshotPair.older]
                    passedOver += 1
                }
                #expect(expected.contains(outcome.name), "\(place): \(outcome)")
                if expected.first != SnapshotPair.newer {
                    // A manifest of another snapshot is sound by itself: its files are named then.
                    let isWholeManifest = isDamaged("manifest.json") && mutation.isWholeFile
                    let part = isWholeManifest ? SnapshotPair.newer : damaged[0]
                    #expect(isNamed(part), "\(place): \(outcome)")
                }
            }
            print("passed over \(passedOver), refused \(refused)")
            try #require(passedOver > 6_000 && refused > 500)
        }
    }
}

/// Alters the files of the newer snapshot, of both, or CURRENT, in ways that disks and people do.
struct SnapshotMutation {
    private let pair: SnapshotPair
    private var random: SeededGenerator
    private(set) var description = ""
    /// Whether the last mutation put another whole file in place, or may have.
    private(set) var isWholeFile = false

    init(_ pair: SnapshotPair, seed: UInt64) {
        self.pair = pair
        random = SeededGenerator(seed: seed)
    }

    /// The next mutation, and the files whose bytes it changed.
    mutating func next() -> (files: MemoryFiles, damaged: [String]) {
        var files = pair.files
        isWholeFile = false
        let name = SnapshotPair.fileNames.randomElement(using: &random)!
        var paths = [pair.path(SnapshotPair.newer, name)]
        switch Int.random(in: 0..<10, using: &random) {
        case 0: paths.append(pair.path(SnapshotPair.older, name))
        case 1: paths = [pair.directory + "/CURRENT"]
        default: break
        }
        for path in paths { files.contents[path] = mutate(files.contents[path]!, name: name) }
        return (files, paths.filter { files.contents[$0] != pair.files.contents[$0] })
    }

    private mutating func mutate(_ bytes: [UInt8], name: String) -> [UInt8] {
        var bytes = bytes
        let kind = Int.random(in: 0..<9, using: &random)
        description = "kind \(kind) on \(name)"
        isWholeFile = isWholeFile || kind == 4 || kind == 8
        switch kind {
        case 0, 1:
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[position(in: bytes)] = .random(in: 0...255, using: &random)
            }
        case 2:
            bytes[position(in: bytes)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 3:
            // Two blocks change places.
            let size = min(bytes.count / 2, [1, 16, 512, 4_096].randomElement(using: &random)!)
            let first = Int.random(in: 0...(bytes.count - 2 * size), using: &random)
            let second = Int.random(in: (first + size)...(bytes.count - size), using: &random)
            for index in 0..<size { bytes.swapAt(first + index, second + index) }
        case 4:
            // The head of one snapshot's file, the tail of the other's.
            let other = pair.files.contents[pair.path(SnapshotPair.older, name)]!
            let cut = Int.random(in: 0...min(bytes.count, other.count), using: &random)
            bytes = Array(bytes[..<cut] + other[cut...])
        case 5:
            bytes += (0..<Int.random(in: 1...5_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        case 6:
            // A second frame, or a second manifest.
            bytes += bytes
        case 7:
            let start = position(in: bytes)
            let end = min(bytes.count, start + [1, 512, 4_096].randomElement(using: &random)!)
            for index in start..<end { bytes[index] = 0 }
        default:
            // Another file in its place, of the same snapshot or the other.
            let snapshot = [SnapshotPair.older, SnapshotPair.newer].randomElement(using: &random)!
            let other = SnapshotPair.fileNames.randomElement(using: &random)!
            bytes = pair.files.contents[pair.path(snapshot, other)]!
        }
        return bytes
    }

    private mutating func position(in bytes: [UInt8]) -> Int {
        Int.random(in: bytes.indices, using: &random)
    }
}
