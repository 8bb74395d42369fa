import Configure
import Decode
import Events
import Foundation
import Kafka
import Logging
import Pipeline
import Snapshot
import Source

extension Configuration {
    /// What the pipeline needs of a configuration, with what only a command knows.
    func pipelineSettings(
        selection: TimeSelection,
        now: Int64,
        skips: [OffsetRange]
    ) -> PipelineSettings {
        PipelineSettings(
            schema: schema,
            decode: decode,
            order: order,
            join: join,
            learn: learn,
            selection: selection,
            now: now,
            quarantinedMax: quarantine.rejectedMax,
            skips: skips,
            quarantineFileBytesMax: quarantine.fileBytesMax,
            sampledImpressions: snapshots.sampledImpressions
        )
    }
}

extension KafkaSource {
    /// Connects as configured, reading the secrets now, from the environment or their files.
    /// - Parameters:
    ///   - start: in place of the configured one.
    ///   - recordBytesMax: in place of the configured one.
    /// - Throws: `ConfigurationError` for a secret that cannot be read; else as `KafkaSource` does.
    init(
        configuration: Configuration,
        start: KafkaStart? = nil,
        resume: [Partition: ResumePoint],
        mode: KafkaExtent,
        recordBytesMax: Int? = nil,
        shouldStop: @escaping () -> Bool,
        logger: Logger
    ) throws {
        let kafka = configuration.kafka
        let settings = try kafka.connectionSettings(
            environment: ProcessInfo.processInfo.environment
        )
        self = try KafkaSource(
            settings: KafkaSettings(settings),
            topics: [
                .impression: kafka.topics.impressions, .click: kafka.topics.clicks,
                .conversion: kafka.topics.conversions,
            ],
            start: start ?? KafkaStart(kafka.start),
            resume: resume,
            extent: mode,
            connectTimeoutMilliseconds: Int(kafka.connectTimeout),
            recordBytesMax: recordBytesMax ?? configuration.decode.recordBytesMax,
            shouldStop: shouldStop,
            warn: { logger.warning("\($0)") }
        )
    }
}

extension KafkaStart {
    init(_ start: KafkaConfiguration.Start) {
        self =
            switch start {
            case .earliest: .earliest
            case .latest: .latest
            case .time(let time): .timestamp(time)
            }
    }
}
