import Configure
import Decode
import Foundation
import Logging
import Pipeline
import Snapshot
import Source

/// A pipeline over a folder of event files, driven by a benchmark.
struct PipelineScene: ~Copyable {
    var pipeline: Pipeline<FileSource>

    init(events: String, configuration: Configuration, readsAhead: Bool) throws {
        pipeline = try Pipeline(
            settings: PipelineSettings(
                schema: configuration.schema,
                decode: configuration.decode,
                order: configuration.order,
                join: configuration.join,
                learn: configuration.learn,
                now: .max,
                sampledImpressions: configuration.snapshots.sampledImpressions
            ),
            source: try FileSource(
                folder: events,
                recordBytesMax: configuration.decode.recordBytesMax
            ),
            state: nil,
            readsAhead: readsAhead,
            logger: Logger(label: "benchmark")
        )
    }

    /// Goes on for one turn.
    /// - Returns: whether there may be more, up to `consumed` events in all.
    mutating func turn(untilConsumed consumed: Int) throws -> Bool {
        switch try pipeline.turn(clock: nil, until: StopPoint(consumed: consumed)) {
        case .worked: return true
        case .idle:
            pipeline.waitForRecords(milliseconds: 5)
            return true
        case .stopped, .ended: return false
        }
    }
}
