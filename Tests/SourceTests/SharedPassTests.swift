import Events
import Foundation
import Source
import Synchronization
import TestSupport
import Testing

/// Numbered records in memory; counts how often each is handed over.
private struct NumberSource: RecordSource {
    let partitions: [Partition]
    let counts: [Int]
    let first: Int64
    let reads: Reads
    private var next: [Int64]
    private var random: SeededGenerator

    final class Reads: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    init(_ counts: [Int], from first: Int64 = 0, seed: UInt64, reads: Reads = Reads()) {
        partitions = counts.indices.map {
            Partition(role: .impression, name: "numbers", number: Int32($0))
        }
        self.counts = counts
        self.first = first
        self.reads = reads
        next = counts.map { _ in first }
        random = SeededGenerator(seed: seed)
    }

    mutating func fetch(partition index: Int, into receive: RecordReceiver) throws(SourceError) {
        // 0 now and then, as from a broker that has not answered yet.
        for _ in 0..<Int.random(in: 0...20, using: &random) where next[index] < counts[index] {
            let payload = Array("\(index):\(next[index])".utf8)
            receive(RecordHeader(offset: next[index], timestamp: nil), .payload, payload.span)
            next[index] += 1
            reads.add()
        }
    }

    var startPositions: [Int64] { counts.map { _ in first } }

    func isAtEnd(partition index: Int) -> Bool { next[index] >= counts[index] }
}

/// What a reader got, by partition.
private final class Harvest: Sendable {
    private let texts = Mutex<[Int: [String]]>([:])
    var value: [Int: [String]] { texts.withLock { $0 } }
    func add(_ text: String, to partition: Int) {
        texts.withLock { $0[partition, default: []].append(text) }
    }
}

private typealias NumberPass = SharedPass<NumberSource>

/// Takes one batch.
/// - Returns: how many records there were.
private func fetch(
    _ view: inout NumberPass.View,
    _ partition: Int,
    into harvest: Harvest
) throws -> Int {
    var count = 0
    try view.fetch(partition: partition) { _, _, payload in
        harvest.add(
            String(decoding: payload.indices.map { payload[$0] }, as: UTF8.self),
            to: partition
        )
        count += 1
    }
    return count
}

/// Reads to the end on this thread, partition after partition in `order`.
private func readAll(
    _ pass: NumberPass,
    _ reader: Int,
    order: [Int],
    into harvest: Harvest
) throws {
    var view = pass.view(reader)
    for partition in order {
        while !view.isAtEnd(partition: partition) {
            if try fetch(&view, partition, into: harvest) == 0 { view.wait(milliseconds: 5) }
        }
    }
}

/// Runs the readers on threads of their own; the error of each that failed.
private func inParallel(
    _ count: Int,
    _ work: @escaping @Sendable (Int) throws -> Void
) -> [String] {
    let errors = Mutex<[String]>([])
    let readers = DispatchGroup()
    for reader in 0..<count {
        readers.enter()
        Thread.detachNewThread {
            defer { readers.leave() }
            do { try work(reader) } catch { errors.withLock { $0.append("\(error)") } }
        }
    }
    let isDone = readers.wait(timeout: .now() + 120) == .success
    #expect(isDone, "the readers wait for each other")
    return errors.withLock { $0 }
}

private func expected(_ counts: [Int], from start: Int = 0) -> [Int: [String]] {
    Dictionary(
        uniqueKeysWithValues: counts.enumerated().map { index, count in
            (index, (start..<count).map { "\(index):\($0)" })
        }
    )
}

@Suite("A shared pass")
struct SharedPassTests {
    private let counts = [900, 400, 1_300]

    @Test("reads every record once and hands it to all, in order", arguments: 1...5)
    func all(seed: UInt64) {
        let reads = NumberSource.Reads()
        let pass = NumberPass(
            over: NumberSource(counts, seed: seed, reads: reads),
            opened: [:],
            starts: [[:], [:], [:]]
        )
        let harvests = (0..<3).map { _ in Harvest() }
        let errors = inParallel(3) { reader in
            try readAll(pass, reader, order: [0, 1, 2], into: harvests[reader])
        }
        #expect(errors.isEmpty, "seed \(seed)")
        for harvest in harvests {
            let hasAll = harvest.value == expected(counts)
            #expect(hasAll, "seed \(seed)")
        }
        #expect(reads.value == counts.reduce(0, +), "seed \(seed)")
    }

    @Test("starts each reader where it left off")
    func starts() throws {
        let source = NumberSource(counts, seed: 6)
        let late = Dictionary(
            uniqueKeysWithValues: source.partitions.map { ($0, ResumePoint(position: 300)) }
        )
        let later = late.mapValues { ResumePoint(position: $0.position + 50) }
        #expect(NumberPass.leastPositions([late, later]) == late)
        #expect(NumberPass.leastPositions([late, [:]]) == [:])
        var partly = later
        partly[source.partitions[1]] = nil
        var both = late
        both[source.partitions[1]] = nil
        #expect(NumberPass.leastPositions([late, partly]) == both)

        let pass = NumberPass(over: source, opened: [:], starts: [late, [:], later])
        let harvests = (0..<3).map { _ in Harvest() }
        let errors = inParallel(3) { try readAll(pass, $0, order: [2, 1, 0], into: harvests[$0]) }
        #expect(errors.isEmpty)
        for (harvest, start) in zip(harvests, [300, 0, 350]) {
            let hasAll = harvest.value == expected(counts, from: start)
            #expect(hasAll, "from \(start)")
        }
    }

    @Test("holds no more than its limit for a reader that is behind, and goes on with it")
    func bounded() throws {
        let reads = NumberSource.Reads()
        let pass = NumberPass(
            over: NumberSource([5_000], seed: 7, reads: reads),
            opened: [:],
            starts: [[:], [:]],
            limits: SharedPassLimits(bytes: 4_096, bytesMax: 1 << 20)
        )
        var fast = pass.view(0)
        var slow = pass.view(1)
        let (ahead, behind) = (Harvest(), Harvest())
        for _ in 0..<2_000 { _ = try fetch(&fast, 0, into: ahead) }
        let held = reads.value
        #expect(held < 200, "\(held) records of 6 bytes and their place in 4 KiB")
        let isAtEnd = fast.isAtEnd(partition: 0)
        #expect(!isAtEnd)
        while !slow.isAtEnd(partition: 0) {
            _ = try fetch(&slow, 0, into: behind)
            _ = try fetch(&fast, 0, into: ahead)
        }
        while !fast.isAtEnd(partition: 0) { _ = try fetch(&fast, 0, into: ahead) }
        let hasAll = ahead.value == expected([5_000]) && behind.value == expected([5_000])
        #expect(hasAll)
    }

    @Test("goes on when readers in opposite orders wait for each other, up to a limit")
    func opposite() {
        let counts = [3_000, 3_000]
        func run(bytesMax: Int) -> (errors: [String], harvests: [Harvest]) {
            let pass = NumberPass(
                over: NumberSource(counts, seed: 8),
                opened: [:],
                starts: [[:], [:]],
                limits: SharedPassLimits(bytes: 4_096, bytesMax: bytesMax)
            )
            let harvests = [Harvest(), Harvest()]
            let errors = inParallel(2) { reader in
                try readAll(
                    pass,
                    reader,
                    order: reader == 0 ? [0, 1] : [1, 0],
                    into: harvests[reader]
                )
            }
            return (errors, harvests)
        }
        let ample = run(bytesMax: 1 << 20)
        #expect(ample.errors.isEmpty)
        for harvest in ample.harvests {
            let hasAll = harvest.value == expected(counts)
            #expect(hasAll)
        }
        let narrow = run(bytesMax: 32_768)
        #expect(!narrow.errors.isEmpty)
        #expect(narrow.errors.allSatisfy { $0.contains("replay them one by one") })
    }

    @Test("goes on without a reader that has gone")
    func left() throws {
        let pass = NumberPass(
            over: NumberSource(counts, seed: 9),
            opened: [:],
            starts: [[:], [:]],
            limits: SharedPassLimits(bytes: 1_024, bytesMax: 2_048)
        )
        do {
            var gone = pass.view(1)
            _ = try fetch(&gone, 0, into: Harvest())
        }
        let harvest = Harvest()
        try readAll(pass, 0, order: [0, 1, 2], into: harvest)
        let hasAll = harvest.value == expected(counts)
        #expect(hasAll)
    }

    @Test("refuses to go on where records between a reader's position and the first one are gone")
    func gone() throws {
        let source = NumberSource([900], from: 500, seed: 10)
        let start = [source.partitions[0]: ResumePoint(position: 200)]
        let pass = NumberPass(over: source, opened: [:], starts: [start, [:]])
        let error = #expect(throws: SourceError.self) {
            try readAll(pass, 0, order: [0], into: Harvest())
        }
        #expect(error?.description.contains("numbers/0") == true)
        #expect(error?.description.contains("offset 200") == true)
    }
}
