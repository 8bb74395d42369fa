import Events
import Foundation
import Generate

/// One record of a partition, held in memory.
struct MemoryRecord: Sendable {
    /// Event time; for a record that is no event, the time of its neighbour.
    var time: Int64
    /// The broker's timestamp.
    var timestamp: Int64?
    /// nil is a null value (a tombstone).
    var payload: [UInt8]?
    /// The impression id to which the event belongs.
    var key = ""
    /// When a live source has it.
    var arrival: Int64 = .min
}

/// A generated stream, by partition.
struct EventStream: Sendable {
    private(set) var partitions: [Partition] = []
    var records: [[MemoryRecord]] = []

    /// - Parameter partitionCounts: of impressions, clicks and conversions.
    init(_ settings: GeneratorSettings, partitionCounts: [Int] = [4, 3, 2]) throws {
        for (role, count) in zip(Role.allCases, partitionCounts) {
            partitions += (0..<Int32(count)).map {
                Partition(role: role, name: role.plural, number: $0)
            }
        }
        records = partitions.map { _ in [] }
        var generator = try StreamGenerator(settings)
        while let event = generator.next() {
            let role = Int(event.role.rawValue)
            let number = partition(
                ofKey: generator.key.span,
                partitionCount: partitionCounts[role]
            )
            let lane = partitionCounts[..<role].reduce(0, +) + number
            records[lane].append(
                MemoryRecord(
                    time: event.time,
                    timestamp: event.time,
                    payload: generator.payload,
                    key: String(decoding: generator.key, as: UTF8.self)
                )
            )
        }
    }

    /// Dense in clicks and conversions, so that a short stream has some of everything; with flaws.
    static func settings(
        events: Int,
        seed: UInt64,
        flawed: Bool = true
    ) -> GeneratorSettings {
        var settings = GeneratorSettings(events: events, seed: seed)
        settings.ctr = 0.2
        settings.cvr = 0.3
        settings.conversionDelay = 20
        guard flawed else { return settings }
        settings.flaws.duplicates = 0.05
        settings.flaws.orphans = 0.05
        settings.flaws.late = 0.05
        settings.flaws.lateBy = 40
        return settings
    }

    /// A stream with flaws.
    init(events: Int, seed: UInt64, partitionCounts: [Int] = [4, 3, 2]) throws {
        try self.init(
            Self.settings(events: events, seed: seed),
            partitionCounts: partitionCounts
        )
    }

    var count: Int { records.reduce(0) { $0 + $1.count } }
    var firstTime: Int64 { records.compactMap { $0.first?.time }.min() ?? 0 }
    var lastTime: Int64 { records.compactMap { $0.last?.time }.max() ?? 0 }

    /// Without some of its partitions.
    mutating func removePartitions(_ lanes: [Int]) {
        for lane in lanes.sorted().reversed() {
            partitions.remove(at: lane)
            records.remove(at: lane)
        }
    }

    /// All records of a role, in the order of their times.
    func records(of role: Role) -> [MemoryRecord] {
        zip(partitions, records).filter { $0.0.role == role }.flatMap(\.1)
            .sorted { $0.time < $1.time }
    }

    /// The time of the first record of each key.
    func firstTimes(of role: Role) -> [String: Int64] {
        Dictionary(records(of: role).map { ($0.key, $0.time) }) { first, _ in first }
    }

    /// Without what comes after the last impression, so that much is open at the end.
    var untilLastImpression: EventStream {
        prefix(through: records(of: .impression).last?.time ?? 0)
    }

    /// Only the records up to this time.
    func prefix(through time: Int64) -> EventStream {
        var part = self
        part.records = records.map { lane in lane.filter { $0.time <= time } }
        return part
    }
}
