import ArgumentParser
import Configure
import Decode
import Foundation

/// `freshet-benchmark decode`: records to events on one core, from memory and from files.
///
/// | figures | what is timed |
/// |---|---|
/// | `decode_standard`, `decode_strings` | impressions in memory to batches; those of `--events`, and one of 25 string fields |
/// | `read_plain`, `read_lz4` | the impressions' file to payloads |
/// | `read_decode_plain`, `read_decode_lz4` | the impressions' file to batches |
/// | `merge` | decoded events of three partitions into one order |
///
/// Each in nanoseconds per record: the median and the least of the repetitions, which alternate.
struct DecodeBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Reading files, decoding records and merging their events."
    )

    @Option(name: .long, help: "The configuration whose impressions the folder holds.")
    var config: String

    @Option(name: .long, help: "A folder of events, as freshet replay reads it.")
    var events: String

    @Option(name: .long, help: "How often everything is timed.")
    var repetitions = 9

    func run() throws {
        let configuration = try Configuration(file: config)
        let standard = try RecordedStream(folder: events)
        let strings = StringImpression()
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-benchmark-\(ProcessInfo.processInfo.processIdentifier)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try standard.impressions.write(to: folder + "/plain", compressed: false)
        try standard.impressions.write(to: folder + "/lz4", compressed: true)

        let schema = configuration.schema
        let settings = configuration.decode
        var merge = MergeRun(standard, schema: schema, settings: settings)
        var times: [String: [Double]] = [:]
        func time(_ name: String, _ work: () throws -> Double) rethrows {
            times[name, default: []].append(try work())
        }
        for _ in 0..<repetitions {
            time("decode_standard") {
                decodeTime(standard.impressions, schema: schema, settings: settings)
            }
            time("decode_strings") {
                decodeTime(strings.records, schema: strings.schema, settings: settings)
            }
            for form in ["plain", "lz4"] {
                try time("read_\(form)") {
                    try readTime(folder + "/\(form)", decoder: nil)
                }
                try time("read_decode_\(form)") {
                    try readTime(
                        folder + "/\(form)",
                        decoder: EventDecoder(schema: schema, settings: settings)
                    )
                }
            }
            time("merge") { merge.time() }
        }

        var figures = Figures()
        for (name, times) in times {
            figures["\(name)_median_ns"] = times.sorted()[times.count / 2]
            figures["\(name)_least_ns"] = times.min()
        }
        figures["standard_record_bytes"] = standard.impressions.bytesPerRecord
        figures["strings_record_bytes"] = strings.records.bytesPerRecord
        try figures.print()
    }
}
