import Events
import Foundation
import Kafka
import Source
import TestSupport
import Testing

/// What a Kafka source handed over, by partition index.
struct KafkaReader: ~Copyable {
    struct Found: Equatable {
        var header: String
        var text: String
    }

    var source: KafkaSource
    private(set) var found: [[Found]]
    private(set) var offsets: [[Int64]]
    /// What a snapshot would hold.
    private(set) var points: [Partition: ResumePoint]

    init(_ source: consuming KafkaSource, resume: [Partition: ResumePoint] = [:]) {
        found = Array(repeating: [], count: source.partitions.count)
        offsets = found.map { _ in [] }
        points = resume
        self.source = source
    }

    /// One round over all partitions; returns how many records came.
    mutating func round() throws -> Int {
        var count = 0
        for index in source.partitions.indices { count += try fetch(index) }
        return count
    }

    mutating func fetch(_ index: Int) throws -> Int {
        var news: [(RecordHeader, String, UInt64?)] = []
        let receive: RecordReceiver = { header, content, payload in
            let text =
                switch content {
                case .payload:
                    String(decoding: payload.indices.map { payload[$0] }, as: UTF8.self)
                case .null: "<null>"
                case .corrupt: "<corrupt \(header.offsetCount)>"
                case .tooLarge(let count): "<large \(count)>"
                }
            var hash: UInt64?
            if case .payload = content { hash = xxHash3(payload) }
            news.append((header, text, hash))
        }
        defer {
            for (header, text, hash) in news {
                let time = header.timestamp.map { "@\($0)" } ?? ""
                found[index].append(Found(header: "\(header.offset)\(time)", text: text))
                offsets[index].append(header.offset)
                points[source.partitions[index]] = ResumePoint(
                    position: header.offset + header.offsetCount,
                    lastPayloadHash: hash
                )
            }
        }
        try source.fetch(partition: index, into: receive)
        return news.count
    }

    /// Reads until every partition is at its end.
    mutating func readToEnd(seconds: Double = 120) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while !isAtEnd {
            try #require(Date() < deadline, "not at the end after \(seconds) s: \(points)")
            if try round() == 0 { source.wait(milliseconds: 5) }
        }
    }

    var isAtEnd: Bool {
        for index in source.partitions.indices where !source.isAtEnd(partition: index) {
            return false
        }
        return true
    }

    var texts: [[String]] { found.map { $0.map(\.text) } }
}

/// Three topics on a broker, with a producer.
struct Topics: ~Copyable {
    let broker: BrokerProcess
    var producer: KafkaProducer

    static let names: [Role: String] = [
        .impression: "impressions", .click: "clicks", .conversion: "conversions",
    ]

    /// - Parameter names: another broker's whose topics' names these get, too.
    init(
        _ counts: [Role: Int],
        brokerCount: Int = 1,
        named names: BrokerProcess? = nil
    ) throws {
        let broker = try BrokerProcess(
            topics: Dictionary(
                uniqueKeysWithValues: counts.map { (Self.names[$0, default: ""], $1) }
            ),
            brokerCount: brokerCount,
            suffix: names?.suffix
        )
        producer = try KafkaProducer(settings: broker.settings)
        self.broker = broker
    }

    func topic(_ role: Role) -> String { broker.topic(Self.names[role, default: ""]) }

    func partition(_ role: Role, _ number: Int32) -> Partition {
        Partition(role: role, name: topic(role), number: number)
    }

    mutating func send(_ role: Role, _ partition: Int32, _ texts: [String]) throws {
        for text in texts {
            try producer.produce(
                topic: topic(role),
                partition: partition,
                text: text,
                timestamp: 1_000
            )
        }
        try producer.flush(timeoutMilliseconds: 20_000)
    }

    func open(
        _ roles: [Role],
        start: KafkaStart = .earliest,
        resume: [Partition: ResumePoint] = [:],
        extent: KafkaExtent = .untilEndAtStart,
        settings: [String: String] = [:],
        timeout: Int = 5_000,
        recordBytesMax: Int = 1 << 20,
        shouldStop: @escaping () -> Bool = { false },
        warn: @escaping (String) -> Void = { print("  warns: \($0)") }
    ) throws -> KafkaSource {
        try KafkaSource(
            settings: broker.settings(settings),
            topics: Dictionary(uniqueKeysWithValues: roles.map { ($0, topic($0)) }),
            start: start,
            resume: resume,
            extent: extent,
            connectTimeoutMilliseconds: timeout,
            recordBytesMax: recordBytesMax,
            shouldStop: shouldStop,
            warn: warn
        )
    }
}
