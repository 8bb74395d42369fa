import Events
import Foundation
import LZ4
import Source

/// Records of one role in memory.
struct RecordsInMemory {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []

    var bytesPerRecord: Double { Double(bytes.count) / Double(ends.count) }

    mutating func append(_ payload: Span<UInt8>) {
        unsafe payload.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        ends.append(bytes.count)
    }

    func visit(_ body: (Span<UInt8>) -> Void) {
        var start = 0
        for end in ends {
            body(bytes.span.extracting(start..<end))
            start = end
        }
    }

    /// Writes them as the only file of impressions in a folder.
    func write(to folder: String, compressed: Bool) throws {
        var lines: [UInt8] = []
        visit { payload in
            unsafe payload.withUnsafeBufferPointer { unsafe lines.append(contentsOf: $0) }
            lines.append(UInt8(ascii: "\n"))
        }
        var name = "impressions.jsonl"
        if compressed {
            var encoder = LZ4FrameEncoder()
            var frame: [UInt8] = []
            unsafe encoder.encode(lines.span.bytes, into: &frame)
            encoder.finish(into: &frame)
            lines = frame
            name += ".lz4"
        }
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        try Data(lines).write(to: URL(filePath: folder + "/" + name))
    }
}

/// The records of a folder in memory, by role.
struct RecordedStream {
    private(set) var records = Role.allCases.map { _ in RecordsInMemory() }

    var impressions: RecordsInMemory { records[Int(Role.impression.rawValue)] }

    init(folder: String) throws {
        var source = try FileSource(folder: folder, recordBytesMax: 1 << 20)
        for (index, partition) in source.partitions.enumerated() {
            while !source.isAtEnd(partition: index) {
                try source.fetch(partition: index) { _, _, payload in
                    records[Int(partition.role.rawValue)].append(payload)
                }
            }
        }
    }
}

/// An impression of 25 features that are strings, 585 bytes, many times with other values.
struct StringImpression {
    let schema = FeatureSchema(
        fields: (0..<25).map {
            FeatureField(name: "feature_\($0)", kind: .categorical(rows: 1 << 18))
        }
    )
    private(set) var records = RecordsInMemory()

    init() {
        for number in 0..<20_000 {
            let features = (0..<25).map { field in
                let value = String((number * 31 + field * 7919) % 9000 + 1000)
                return #""feature_\#(field)":"v\#(value)""#
            }
            let text =
                #"{"impression_id":"i\#(number + 10_000)","ts":\#(1_767_225_600_000 + number),"#
            let record = text + #""features":{\#(features.joined(separator: ","))}}"#
            records.append(record.utf8Span.span)
        }
    }
}
