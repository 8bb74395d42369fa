import Configure
import Decode
import Events
import Foundation
import Join
import Learn
import Order
import Snapshot
import Testing
import Yams

/// The repository's `config` folder.
let configFolder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../config").standardized.path

func configuration(of file: String) throws -> Configuration {
    try Configuration(file: "\(configFolder)/\(file)")
}

@Suite("Configurations that are read")
struct ConfigurationTests {
    static let full = """
        seed: 7
        kafka:
          topics: {impressions: shown, clicks: clicked, conversions: bought}
          start: 2026-01-01T00:00:00.250Z
          connect_timeout: 500ms
          settings: {bootstrap.servers: "a:9092,b:9092", fetch.wait.max.ms: 10, debug: "", ssl: true}
          secrets:
            sasl.password: {environment: KAFKA_PASSWORD}
            ssl.key.password: {file: /run/secrets/key}
        events:
          time_unit: seconds
          impressions: {id: request, time: at, features: x, weight: w}
          clicks: {impression_id: request, time: at, click_id: click}
          conversions: {impression_id: request, click_id: click, time: at, event_id: order, type: what}
          conversion_types: [purchase, "12", all]
          max_record_bytes: 512KiB
          max_time_ahead: 0s
          min_time: 2020-02-29T23:00:00-01:30
        order: {ordering_delay: 0s, idle_advance: false}
        join:
          click_window: 1h30m
          conversion_window: 7d
          orphan_window: 0s
          closed_memory: 0s
          label_timing: {ctr: known, ctcvr: settled}
          guard_span: 4m
          guard_ratio: 0.25
          max_open_impressions: 1_000
          max_held_events: 1
          max_closed_ids: 2
        features:
          - {name: "weird: \\"name\\" ü", kind: categorical, rows: 2147483648}
          - {name: "712", kind: list, rows: 10, pooling: sum}
          - {name: depth, kind: numeric, clip: 2.5}
          - {name: age, kind: bucketed, buckets: [-1.5, 0, 1e3]}
        model:
          embedding_dimension: 1
          experts: {count: 2, layers: [16, 8]}
          gates: shared
          towers: {layers: [4]}
          wide: true
        loss: {gamma: 0, alpha: none}
        base_rates: {ctr: 0.5, ctcvr: 0.25}
        optimizer:
          {method: ftrl, embedding_rate: 1, dense_rate: 0.5, wide_rate: 0.25, beta: 0.5, l1: 0.001, l2: 1,
           embedding_deviation: 0}
        metrics: {cohort: 1d}
        snapshots: {every: 100_000 events, keep: 0, keep_for: 30d}
        quarantine: {payloads: true, max_rejected: 0, max_file_bytes: 1MiB}
        publish:
          directory: /srv/models/ads
          format: safetensors
          keep: 2
          gate:
            figures_over: 1d
            min_examples: 50_000
            max_age: 15m
            max_shift: 0.2
            ctr: {max_normalized_entropy: 1, calibration_ratio: [0.8, 1.25]}
            ctcvr: {max_normalized_entropy: none, calibration_ratio: [0, 1.5]}
        """

    @Test("every key arrives in the settings of its stage")
    func everyKey() throws {
        let read = try Configuration(yaml: ConfigurationTests.full)
        var expected = Configuration(
            schema: FeatureSchema(fields: [
                FeatureField(name: "weird: \"name\" ü", kind: .categorical(rows: 2_147_483_648)),
                FeatureField(name: "712", kind: .list(rows: 10, pooling: .sum)),
                FeatureField(name: "depth", kind: .numeric(clip: 2.5)),
                FeatureField(name: "age", kind: .bucketed(boundaries: [-1.5, 0, 1000])),
            ])
        )
        expected.kafka.topics.impressions = "shown"
        expected.kafka.topics.clicks = "clicked"
        expected.kafka.topics.conversions = "bought"
        expected.kafka.start = .time(1_767_225_600_250)
        expected.kafka.connectTimeout = 500
        expected.kafka.settings = [
            "bootstrap.servers": "a:9092,b:9092", "group.id": "freshet", "fetch.wait.max.ms": "10",
            "debug": "", "ssl": "true",
        ]
        expected.kafka.secrets = [
            "sasl.password": .environment("KAFKA_PASSWORD"),
            "ssl.key.password": .file("/run/secrets/key"),
        ]
        expected.decode.timeUnit = .seconds
        expected.decode.impressions.id = "request"
        expected.decode.impressions.time = "at"
        expected.decode.impressions.features = "x"
        expected.decode.impressions.weight = "w"
        expected.decode.clicks.impressionID = "request"
        expected.decode.clicks.time = "at"
        expected.decode.clicks.clickID = "click"
        expected.decode.conversions.impressionID = "request"
        expected.decode.conversions.clickID = "click"
        expected.decode.conversions.time = "at"
        expected.decode.conversions.eventID = "order"
        expected.decode.conversions.type = "what"
        expected.decode.conversionTypes = ["purchase", "12", "all"]
        expected.decode.recordBytesMax = 524_288
        expected.decode.timeAheadMax = 0
        expected.decode.timeMin = 1_583_022_600_000
        expected.decode.keepsRejectedPayloads = true
        expected.order = OrderSettings(orderingDelay: 0, idleAdvance: false)
        expected.join = JoinSettings(
            clickWindow: 5_400_000,
            conversionWindow: 604_800_000,
            orphanWindow: 0,
            closedMemory: 0,
            ctrTiming: .known,
            ctcvrTiming: .settled,
            openImpressionsMax: 1000,
            heldEventsMax: 1,
            closedIDsMax: 2,
            guardSpan: 240_000,
            guardRatio: 0.25
        )
        expected.learn = LearnSettings(
            network: NetworkSettings(
                embeddingDimension: 1,
                experts: 2,
                expertLayers: [16, 8],
                gates: .shared,
                towerLayers: [4],
                wide: true
            ),
            loss: FocalLoss(gamma: 0, alpha: nil),
            optimizer: OptimizerSettings(
                method: .ftrl(beta: 0.5, l1: 0.001, l2: 1),
                embeddingRate: 1,
                denseRate: 0.5,
                wideRate: 0.25
            ),
            baseCTR: 0.5,
            baseCTCVR: 0.25,
            embeddingDeviation: 0,
            seed: 7,
            cohortWidth: 86_400_000
        )
        expected.snapshots = SnapshotSettings(
            every: .events(100_000),
            keep: 0,
            keepFor: 2_592_000_000
        )
        expected.quarantine.payloads = true
        expected.quarantine.rejectedMax = 0
        expected.quarantine.fileBytesMax = 1 << 20
        expected.publish.directory = "/srv/models/ads"
        expected.publish.format = .safetensors
        expected.publish.keep = 2
        expected.publish.gate.figuresOver = 86_400_000
        expected.publish.gate.examplesMin = 50_000
        expected.publish.gate.ageMax = 900_000
        expected.publish.gate.shiftMax = 0.2
        expected.publish.gate.ctr = .init(normalizedEntropyMax: 1, calibrationRatio: 0.8...1.25)
        expected.publish.gate.ctcvr = .init(calibrationRatio: 0...1.5)
        #expect(read == expected)
    }

    @Test("the resolved text reads as the same configuration")
    func roundTrip() throws {
        for yaml in [
            ConfigurationTests.full,
            "features: [{name: a, kind: numeric}]\noptimizer: {method: sgd}",
            "features: [{name: a, kind: numeric}]\noptimizer: {accumulator_max: none}",
            "features: [{name: none, kind: numeric}]\nkafka: {topics: {clicks: 'no'}}",
            "features: [{name: \"\\x80\", kind: numeric}]\nkafka: {settings: {a: \"\\x01\\t\"}}",
        ] {
            let read = try Configuration(yaml: yaml)
            #expect(try Configuration(yaml: read.resolved) == read, "\(read.resolved)")
        }
    }

    @Test("a section without values is the same as none")
    func emptySections() throws {
        let bare = "features: [{name: a, kind: numeric}]\n"
        let empty = bare + "kafka:\njoin: {}\nmodel:\n  experts:\nsnapshots: ~\n"
        #expect(try Configuration(yaml: empty) == Configuration(yaml: bare))
    }

    @Test(
        "the method's own defaults apply",
        arguments: [
            (
                "adagrad",
                OptimizerSettings(
                    method: .adagrad(initialAccumulator: 1e-4, epsilon: 1e-6, accumulatorMax: 25),
                    embeddingRate: 0.05,
                    denseRate: 0.02,
                    wideRate: 0.01
                )
            ),
            (
                "sgd",
                OptimizerSettings(method: .sgd, embeddingRate: 0.3, denseRate: 0.01, wideRate: 0.1)
            ),
            (
                "ftrl",
                OptimizerSettings(
                    method: .ftrl(beta: 1, l1: 0, l2: 0),
                    embeddingRate: 0.1,
                    denseRate: 0.05,
                    wideRate: 0.1
                )
            ),
        ]
    )
    func methodDefaults(_ method: String, _ expected: OptimizerSettings) throws {
        let read = try Configuration(
            yaml: "features: [{name: a, kind: numeric}]\noptimizer: {method: \(method)}"
        )
        #expect(read.learn.optimizer == expected)
    }

    @Test("a schedule is a number of events or a duration")
    func schedules() {
        #expect(SnapshotSettings.Schedule(text: "100000") == .events(100_000))
        #expect(SnapshotSettings.Schedule(text: "5 events") == .events(5))
        #expect(SnapshotSettings.Schedule(text: "1h30m") == .duration(5_400_000))
        for text in ["", "0", "-1", "events", " events", "1x", "0s", "5 event"] {
            #expect(SnapshotSettings.Schedule(text: text) == nil, "\(text)")
        }
    }

    @Test(
        "a point in time is read and written",
        arguments: [
            ("1970-01-01", 0, "1970-01-01"),
            ("2000-01-01", 946_684_800_000, "2000-01-01"),
            ("2024-02-29T12:30:05Z", 1_709_209_805_000, "2024-02-29T12:30:05Z"),
            ("2024-02-29T13:30:05.5+01:00", 1_709_209_805_500, "2024-02-29T12:30:05.500Z"),
            ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
            ("0001-01-01", -62_135_596_800_000, "0001-01-01"),
            ("9999-12-31T00:00:00Z", 253_402_214_400_000, "9999-12-31"),
        ]
    )
    func timestamps(_ text: String, _ milliseconds: Int64, _ written: String) {
        #expect(Timestamp.milliseconds(text) == milliseconds)
        #expect(Timestamp.text(milliseconds) == written)
    }

    @Test(
        "what is no point in time is not read as one",
        arguments: [
            "", "2026", "2026-13-01", "2026-00-01", "2026-02-29", "2026-1-1", "2026-01-01T",
            "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00Z",
            "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234Z", "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00+1:00", "٢٠٢٦-01-01",
        ]
    )
    func notTimestamps(_ text: String) {
        #expect(Timestamp.milliseconds(text) == nil)
    }
}

@Suite("The configurations of the repository")
struct RepositoryConfigurationTests {
    @Test(
        "every file in config is read",
        arguments: try FileManager.default.contentsOfDirectory(atPath: configFolder).sorted()
    )
    func everyFile(_ file: String) throws {
        let read = try configuration(of: file)
        #expect(try Configuration(yaml: read.resolved) == read)
    }

    @Test("freshet.yaml states every key, each at its built-in default")
    func defaultFile() throws {
        let path = "\(configFolder)/freshet.yaml"
        let read = try Configuration(file: path)
        let defaults = Configuration(schema: read.schema)
        #expect(read == defaults)
        let stated = try scalars(String(contentsOfFile: path, encoding: .utf8))
        let built = try scalars(defaults.resolved)
        #expect(Set(stated.keys) == Set(built.keys))
        for (key, value) in built {
            #expect(stated[key] == value, "\(key)")
        }
    }

    @Test("freshet.yaml shows the keys that only some kinds, methods and brokers have")
    func commentedKeys() throws {
        let text = try String(contentsOfFile: "\(configFolder)/freshet.yaml", encoding: .utf8)
        let uncommented = text.replacing("  # beta: 1\n  # l1: 0\n  # l2: 0", with: ftrl)
            .replacing("  wide: false\n", with: "  wide: true\n")
            .replacing("  # wide_rate:", with: "  wide_rate:")
            .replacing("  method: adagrad\n", with: "  method: ftrl\n")
            .replacing("  embedding_rate: 0.05\n  dense_rate: 0.02\n", with: "")
            .replacing(
                "  initial_accumulator: 1e-4\n  epsilon: 1e-6\n  accumulator_max: 25",
                with: ""
            )
            .replacing("  # secrets:\n  #   sasl", with: "  secrets:\n    sasl")
        let read = try Configuration(yaml: uncommented)
        let sparse = try Configuration(
            yaml: "features: [{name: a, kind: numeric}]\nmodel: {wide: true}\n"
                + "optimizer: {method: ftrl, wide_rate: 0.01}"
        )
        #expect(read.learn == sparse.learn)
        #expect(read.kafka.secrets == ["sasl.password": .environment("KAFKA_PASSWORD")])
        for kind in ["categorical", "list", "numeric", "bucketed"] {
            #expect(text.contains("kind: \(kind)"))
        }
    }

    private let ftrl = "  beta: 1\n  l1: 0\n  l2: 0"

    /// Every scalar of a YAML text by its dotted key; numbers in one notation.
    private func scalars(_ yaml: String) throws -> [String: String] {
        var found: [String: String] = [:]
        func walk(_ node: Node, _ path: String) {
            switch node {
            case .mapping(let mapping):
                for (key, value) in mapping { walk(value, path + "." + (key.string ?? "?")) }
            case .sequence(let sequence):
                for (index, value) in sequence.enumerated() { walk(value, "\(path)[\(index)]") }
            case .scalar(let scalar):
                found[path] = Double(scalar.string).map { "\($0)" } ?? scalar.string
            default:
                Issue.record("\(path) is an alias")
            }
        }
        walk(try #require(try compose(yaml: yaml)), "")
        return found
    }
}
