import Configure
import Foundation
import Testing

/// A configuration that must be refused, and where and how.
struct Refusal: Sendable, CustomTestStringConvertible {
    var yaml: String
    var line: Int?
    var key: String?
    var phrase: String

    var testDescription: String { "\(key ?? "no key"): \(phrase)" }

    init(_ yaml: String, line: Int?, key: String?, _ phrase: String) {
        self.yaml = yaml
        self.line = line
        self.key = key
        self.phrase = phrase
    }

    /// Wrong lines after a valid `features` in line 1: the wrong ones start at line 2.
    static func after(_ yaml: String, line: Int, key: String, _ phrase: String) -> Refusal {
        Refusal(
            "features: [{name: a, kind: categorical, rows: 8}]\n" + yaml,
            line: line,
            key: key,
            phrase
        )
    }

    /// One wrong feature, in line 2.
    static func feature(_ yaml: String, key: String, _ phrase: String) -> Refusal {
        Refusal("features:\n  - {\(yaml)}\n", line: 2, key: key, phrase)
    }
}

@Suite("Configurations that are refused")
struct RefusalTests {
    static let keys: [Refusal] = [
        .feature("name: a, kind: numeric, was: a", key: "features.a.was", "own name"),
        .feature("name: a, kind: numeric, was: 3", key: "features.a.was", "expected text"),
        Refusal(
            "features:\n  - {name: a, kind: numeric, was: b}\n  - {name: b, kind: numeric}\n",
            line: 3,
            key: "features.b",
            "first name b"
        ),
        .after(
            "optimizer: {method: sgd, warm_accumulator: 1}",
            line: 2,
            key: "optimizer.warm_accumulator",
            "only to adagrad and ftrl"
        ),
        .after(
            "optimizer: {warm_accumulator: -1}",
            line: 2,
            key: "optimizer.warm_accumulator",
            "at least"
        ),
        .after(
            "optimizer: {warm_accumulator: 26}",
            line: 2,
            key: "optimizer.warm_accumulator",
            "at most accumulator_max, 25"
        ),
        .after(
            "optimizer: {warm_accumulator: 0, epsilon: 0}",
            line: 2,
            key: "optimizer.warm_accumulator",
            "at least 1.17"
        ),
        .after("model: {wide: 1}", line: 2, key: "model.wide", "expected true or false"),
        .after(
            "optimizer: {wide_rate: 0.1}",
            line: 2,
            key: "optimizer.wide_rate",
            "only model.wide: true has"
        ),
        .after(
            "model: {wide: false}\noptimizer: {wide_rate: 0.1}",
            line: 3,
            key: "optimizer.wide_rate",
            "only model.wide: true has"
        ),
        .after(
            "model: {wide: true}\noptimizer: {wide_rate: 0}",
            line: 3,
            key: "optimizer.wide_rate",
            "expected a number above 0"
        ),
        .after("jion: {}", line: 2, key: "jion", "unknown key; did you mean join?"),
        .after("other: {}", line: 2, key: "other", "unknown key, expected one of seed, kafka"),
        .after(
            "join:\n  clik_window: 5s",
            line: 3,
            key: "join.clik_window",
            "did you mean click_window?"
        ),
        .after(
            "join:\n  label_timing:\n    cvr: known",
            line: 4,
            key: "join.label_timing.cvr",
            "did you mean ctr?"
        ),
        .after("<<: {seed: 3}", line: 2, key: "<<", "unknown key"),
        .after("seed: 1\nseed: 2", line: 2, key: "seed", "more than once"),
        .after(
            "join:\n  click_window: 5s\n  # why\n  orphan_window: 1s\n  click_window: 6s",
            line: 3,
            key: "join.click_window",
            "more than once"
        ),
        .after(
            "join: {click_window: 5s, click_window: 6s}",
            line: 2,
            key: "join.click_window",
            "more than once"
        ),
        .after("seed: 1\n\"seed\": 2", line: 2, key: "seed", "more than once"),
        .after("kafka: {settings: {1: a, \"1\": b}}", line: 2, key: "kafka.settings.1", "once"),
        Refusal(
            "features:\n- name: a\n  kind: numeric\n  name: b",
            line: 2,
            key: "features.name",
            "more than once"
        ),
        .after("? [a, b]\n: 1", line: 2, key: "", "a key that is not plain text"),
        .after("seed: 1\n---\nseed: 2", line: 3, key: "", "more than one YAML document"),
    ]

    static let types: [Refusal] = [
        .after("seed: one", line: 2, key: "seed", "is \"one\", expected a whole number"),
        .after("seed: 1.5", line: 2, key: "seed", "is 1.5, expected a whole number"),
        .after("seed: 1e3", line: 2, key: "seed", "is 1e3, expected a whole number"),
        .after("seed: -1", line: 2, key: "seed", "is -1, expected a whole number"),
        .after("seed: 010", line: 2, key: "seed", "without a leading zero"),
        .after("seed: 99999999999999999999", line: 2, key: "seed", "expected a whole number"),
        .after("seed:", line: 2, key: "seed", "is empty"),
        .after("seed: [1]", line: 2, key: "seed", "is a list"),
        .after("join: 5", line: 2, key: "join", "is 5, expected a mapping"),
        .after("join: [a]", line: 2, key: "join", "is a list, expected a mapping"),
        .after(
            "order: {idle_advance: yes}",
            line: 2,
            key: "order.idle_advance",
            "is \"yes\", expected true or false"
        ),
        .after("order: {idle_advance: 1}", line: 2, key: "order.idle_advance", "true or false"),
        .after(
            "kafka: {topics: {clicks: 12}}",
            line: 2,
            key: "kafka.topics.clicks",
            "is 12, expected text (quote it"
        ),
        .after(
            "model: {experts: {layers: 64}}",
            line: 2,
            key: "model.experts.layers",
            "is 64, expected a list"
        ),
        .after(
            "model:\n  experts:\n    layers:\n    - 64\n    - x",
            line: 6,
            key: "model.experts.layers[1]",
            "is \"x\", expected a whole number"
        ),
        .after("loss: {gamma: two}", line: 2, key: "loss.gamma", "is \"two\", expected a number"),
        .after(
            "kafka: {settings: {bootstrap.servers: [a, b]}}",
            line: 2,
            key: "kafka.settings.bootstrap.servers",
            "is a list"
        ),
        .after("features2: 1", line: 2, key: "features2", "did you mean features?"),
        Refusal("features: 3", line: 1, key: "features", "is 3, expected a list"),
        Refusal("features: [user]", line: 1, key: "features[0]", "expected a mapping"),
        Refusal("- a", line: nil, key: "", "is a list, expected a mapping"),
    ]

    static let durations: [Refusal] = [
        .after(
            "join: {click_window: 600}",
            line: 2,
            key: "join.click_window",
            "600 without a unit"
        ),
        .after("join: {guard_span: 999ms}", line: 2, key: "join.guard_span", "at least 1s"),
        .after(
            "join: {guard_ratio: 1}",
            line: 2,
            key: "join.guard_ratio",
            "a number from 0 to below 1"
        ),
        .after(
            "join: {guard_ratio: -0.1}",
            line: 2,
            key: "join.guard_ratio",
            "a number from 0 to below 1"
        ),
        .after(
            "join: {click_window: -5s}",
            line: 2,
            key: "join.click_window",
            "cannot be negative"
        ),
        .after("join: {click_window: -5}", line: 2, key: "join.click_window", "without a unit"),
        .after("join: {click_window: 0s}", line: 2, key: "join.click_window", "at least 1ms"),
        .after("join: {click_window: 5min}", line: 2, key: "join.click_window", "a duration"),
        .after("join: {click_window: 5m1h}", line: 2, key: "join.click_window", "a duration"),
        .after("join: {click_window: 1.5h}", line: 2, key: "join.click_window", "a duration"),
        .after("join: {click_window: ''}", line: 2, key: "join.click_window", "a duration"),
        .after("join: {click_window: 4000d}", line: 2, key: "join.click_window", "at most 3650d"),
        .after(
            "join: {click_window: 9223372036854775807d}",
            line: 2,
            key: "join.click_window",
            "at most 3650d"
        ),
        .after("metrics: {cohort: 1ms}", line: 2, key: "metrics.cohort", "at least 1s"),
        .after(
            "events: {max_record_bytes: 1MB}",
            line: 2,
            key: "events.max_record_bytes",
            "1MiB"
        ),
        .after("events: {max_record_bytes: 0}", line: 2, key: "events.max_record_bytes", "size"),
        .after(
            "events: {max_record_bytes: 9999999999GiB}",
            line: 2,
            key: "events.max_record_bytes",
            "a size from 64 to 1GiB"
        ),
        .after("events: {min_time: 2026-02-30}", line: 2, key: "events.min_time", "a date"),
        .after("kafka: {start: soon}", line: 2, key: "kafka.start", "earliest, latest or a time"),
        .after(
            "snapshots: {every: 60}",
            line: 2,
            key: "snapshots.every",
            "is 60 without a unit"
        ),
        .after("snapshots: {every: 0 events}", line: 2, key: "snapshots.every", "a duration"),
        .after("snapshots: {every: 0s}", line: 2, key: "snapshots.every", "a duration"),
        .after("snapshots: {every: often}", line: 2, key: "snapshots.every", "100000 events"),
    ]

    static let features: [Refusal] = [
        Refusal("", line: nil, key: "features", "is missing"),
        Refusal("seed: 1\n# no more", line: nil, key: "features", "is missing"),
        Refusal("features:", line: 1, key: "features", "expected a list"),
        Refusal("features: []", line: 1, key: "features", "at least one feature"),
        Refusal(
            "features:\n  - {name: a, kind: numeric}\n  - {name: b, kind: numeric}\n"
                + "  - {name: a, kind: numeric}",
            line: 4,
            key: "features.a",
            "is listed twice"
        ),
        .feature("kind: numeric", key: "features[0].name", "is missing"),
        .feature("name: a", key: "features.a.kind", "is missing, expected categorical or list"),
        .feature("name: '', kind: numeric", key: "features[0].name", "1 to 255 bytes"),
        .feature("name: \"a\\nb\", kind: numeric", key: "features[0].name", "control characters"),
        .feature("name: cvr, kind: numeric", key: "features[0].name", "an output of the exported"),
        .feature(
            "name: a, kind: numerical",
            key: "features.a.kind",
            "categorical or list or numeric or bucketed; did you mean numeric?"
        ),
        .feature("name: a, kind: categorical", key: "features.a.rows", "is missing"),
        .feature("name: a, kind: categorical, rows: 0", key: "features.a.rows", "is 0, expected"),
        .feature("name: a, kind: categorical, rows: -5", key: "features.a.rows", "is -5"),
        .feature(
            "name: a, kind: list, rows: 2147483649",
            key: "features.a.rows",
            "from 1 to 2147483648"
        ),
        .feature(
            "name: a, kind: numeric, rows: 8",
            key: "features.a.rows",
            "does not belong to kind numeric, only to categorical and list"
        ),
        .feature(
            "name: a, kind: list, rows: 8, pooling: max",
            key: "features.a.pooling",
            "is \"max\", expected mean or sum"
        ),
        .feature("name: a, kind: numeric, clip: 0", key: "features.a.clip", "a number above 0"),
        .feature("name: a, kind: numeric, clip: .inf", key: "features.a.clip", "above 0"),
        .feature("name: a, kind: numeric, clip: 1e60", key: "features.a.clip", "above 0"),
        .feature("name: a, kind: bucketed", key: "features.a.buckets", "is missing"),
        .feature("name: a, kind: bucketed, buckets: []", key: "features.a.buckets", "is empty"),
        .feature(
            "name: a, kind: bucketed, buckets: [1, 1]",
            key: "features.a.buckets[1]",
            "a number above the boundary before it"
        ),
        .feature(
            "name: a, kind: bucketed, buckets: [1, 1.00000000001]",
            key: "features.a.buckets[1]",
            "above the boundary before it"
        ),
        .feature(
            "name: a, kind: bucketed, buckets: [.nan]",
            key: "features.a.buckets[0]",
            "a finite number"
        ),
        .feature("name: a, kind: numeric, clap: 3", key: "features[0].clap", "did you mean clip?"),
        Refusal(
            "features: [{name: a, kind: list, rows: 2147483648}]\n"
                + "model: {embedding_dimension: 1024}",
            line: 1,
            key: "features",
            "parameters with embeddings of 1024"
        ),
    ]

    static let learning: [Refusal] = [
        .after("model: {gates: per_tasks}", line: 2, key: "model.gates", "did you mean per_task?"),
        .after(
            "model: {embedding_dimension: 0}",
            line: 2,
            key: "model.embedding_dimension",
            "from 1 to 1024"
        ),
        .after(
            "model: {experts: {count: 0}}",
            line: 2,
            key: "model.experts.count",
            "from 1 to 256"
        ),
        .after(
            "model: {experts: {layers: []}}",
            line: 2,
            key: "model.experts.layers",
            "is empty"
        ),
        .after("model: {towers: {layers: []}}", line: 2, key: "model.towers.layers", "is empty"),
        .after(
            "model: {towers: {layers: [0]}}",
            line: 2,
            key: "model.towers.layers[0]",
            "from 1 to 8192"
        ),
        .after("loss: {gamma: -1}", line: 2, key: "loss.gamma", "is -1, expected"),
        .after("loss: {gamma: .nan}", line: 2, key: "loss.gamma", "is .nan, expected"),
        .after("loss: {alpha: 0}", line: 2, key: "loss.alpha", "or none"),
        .after("loss: {alpha: 1}", line: 2, key: "loss.alpha", "between 0 and 1"),
        .after("loss: {alpha: off}", line: 2, key: "loss.alpha", "is \"off\""),
        .after("base_rates: {ctr: 1}", line: 2, key: "base_rates.ctr", "a probability"),
        .after("base_rates: {ctcvr: 0}", line: 2, key: "base_rates.ctcvr", "a probability"),
        .after(
            "base_rates:\n  ctr: 0.01\n  ctcvr: 0.01",
            line: 4,
            key: "base_rates.ctcvr",
            "less than base_rates.ctr"
        ),
        .after(
            "base_rates:\n  ctr: 0.0001",
            line: 2,
            key: "base_rates.ctcvr",
            "is 0.001, expected less than"
        ),
        .after("optimizer: {method: adam}", line: 2, key: "optimizer.method", "adagrad or sgd"),
        .after(
            "optimizer: {embedding_rate: 0}",
            line: 2,
            key: "optimizer.embedding_rate",
            "above 0"
        ),
        .after(
            "optimizer: {dense_rate: -0.1}",
            line: 2,
            key: "optimizer.dense_rate",
            "above 0"
        ),
        .after(
            "optimizer: {dense_rate: .inf}",
            line: 2,
            key: "optimizer.dense_rate",
            "above 0"
        ),
        .after(
            "optimizer: {dense_rate: 1e-80}",
            line: 2,
            key: "optimizer.dense_rate",
            "above 0"
        ),
        .after(
            "optimizer: {beta: 1}",
            line: 2,
            key: "optimizer.beta",
            "does not belong to method adagrad, only to ftrl"
        ),
        .after(
            "optimizer: {method: sgd, epsilon: 1}",
            line: 2,
            key: "optimizer.epsilon",
            "does not belong to method sgd, only to adagrad"
        ),
        .after(
            "optimizer: {method: ftrl, l1: -1}",
            line: 2,
            key: "optimizer.l1",
            "at least 0"
        ),
        .after(
            "optimizer: {method: ftrl, beta: 0}",
            line: 2,
            key: "optimizer.beta",
            "above 0"
        ),
        .after(
            "optimizer: {initial_accumulator: 0, epsilon: 0}",
            line: 2,
            key: "optimizer.epsilon",
            "divide by 0"
        ),
        .after(
            "optimizer: {accumulator_max: 1e-5}",
            line: 2,
            key: "optimizer.accumulator_max",
            "more than initial_accumulator"
        ),
    ]

    static let stages: [Refusal] = [
        .after(
            "join: {label_timing: {ctr: late}}",
            line: 2,
            key: "join.label_timing.ctr",
            "known or settled"
        ),
        .after(
            "join: {max_open_impressions: 0}",
            line: 2,
            key: "join.max_open_impressions",
            "from 1 to"
        ),
        .after(
            "join: {max_held_events: 5000000000}",
            line: 2,
            key: "join.max_held_events",
            "to 1000000000"
        ),
        .after("snapshots: {keep: -1}", line: 2, key: "snapshots.keep", "from 0 to 10000"),
        .after("snapshots: {keep_for: 7}", line: 2, key: "snapshots.keep_for", "without a unit"),
        .after(
            "quarantine: {max_rejected: -1}",
            line: 2,
            key: "quarantine.max_rejected",
            "at least 0"
        ),
        .after(
            "quarantine: {max_file_bytes: 4095}",
            line: 2,
            key: "quarantine.max_file_bytes",
            "4KiB"
        ),
        .after(
            "events: {time_unit: ms}",
            line: 2,
            key: "events.time_unit",
            "seconds or milliseconds or microseconds"
        ),
        .after(
            "events: {clicks: {time: click_id}}",
            line: 2,
            key: "events.clicks",
            "two of its fields are called \"click_id\""
        ),
        .after(
            "events: {conversion_types: []}",
            line: 2,
            key: "events.conversion_types",
            "is empty"
        ),
        .after(
            "events: {conversion_types: [a, a]}",
            line: 2,
            key: "events.conversion_types[1]",
            "listed twice"
        ),
        .after(
            "kafka:\n  topics: {clicks: impressions}",
            line: 3,
            key: "kafka.topics",
            "two roles share a topic"
        ),
        .after(
            "kafka: {settings: {enable.auto.commit: true}}",
            line: 2,
            key: "kafka.settings.enable.auto.commit",
            "set by Freshet itself"
        ),
        .after(
            "kafka: {secrets: {sasl.password: {variable: X}}}",
            line: 2,
            key: "kafka.secrets.sasl.password.variable",
            "unknown key"
        ),
        .after(
            "kafka: {secrets: {sasl.password: {environment: X, file: y}}}",
            line: 2,
            key: "kafka.secrets.sasl.password",
            "expected one of"
        ),
    ]

    static let publishing: [Refusal] = [
        .after("publish: {keep: 1}", line: 2, key: "publish.keep", "from 2 to 10000"),
        .after("publish: {format: onxx}", line: 2, key: "publish.format", "did you mean onnx?"),
        .after(
            "publish:\n  gate:\n    cvr: {}",
            line: 4,
            key: "publish.gate.cvr",
            "did you mean ctr?"
        ),
        .after(
            "publish: {gate: {max_shift: 0}}",
            line: 2,
            key: "publish.gate.max_shift",
            "above 0"
        ),
        .after(
            "publish: {gate: {min_examples: 0}}",
            line: 2,
            key: "publish.gate.min_examples",
            "at least 1"
        ),
        .after(
            "publish: {gate: {figures_over: 24}}",
            line: 2,
            key: "publish.gate.figures_over",
            "without a unit"
        ),
        .after(
            "publish: {gate: {ctr: {calibration_ratio: 1.25}}}",
            line: 2,
            key: "publish.gate.ctr.calibration_ratio",
            "expected a list"
        ),
        .after(
            "publish: {gate: {ctr: {calibration_ratio: [0.8]}}}",
            line: 2,
            key: "publish.gate.ctr.calibration_ratio",
            "has 1 items"
        ),
        .after(
            "publish: {gate: {ctcvr: {calibration_ratio: [1.25, 0.8]}}}",
            line: 2,
            key: "publish.gate.ctcvr.calibration_ratio",
            "the least ratio first"
        ),
        .after(
            "publish: {gate: {ctcvr: {calibration_ratio: [-1, 0.8]}}}",
            line: 2,
            key: "publish.gate.ctcvr.calibration_ratio[0]",
            "at least 0"
        ),
    ]

    static let all = keys + types + durations + features + learning + stages + publishing

    @Test("a bad configuration is refused with line, dotted key and reason", arguments: all)
    func refused(_ refusal: Refusal) throws {
        let error = try #require(throws: ConfigurationError.self) {
            _ = try Configuration(yaml: refusal.yaml, file: "bad.yaml")
        }
        #expect(error.file == "bad.yaml")
        #expect(error.line == refusal.line)
        #expect((error.key ?? "") == refusal.key)
        #expect(error.problem.contains(refusal.phrase), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test("an error is one line: file, line, key, reason")
    func description() {
        let error = ConfigurationError(file: "c.yaml", line: 3, key: "join.x", problem: "is\nwrong")
        #expect(error.description == "c.yaml:3: join.x: is wrong")
        #expect(ConfigurationError(problem: "no").description == "no")
    }

    @Test("a secret in the settings is refused without being shown")
    func secretsAreNotShown() throws {
        for yaml in [
            "kafka: {settings: {sasl.password: hunter2}}",
            "kafka: {settings: {ssl.key.pem: hunter2}}",
            "kafka: {secrets: {sasl.password: hunter2}}",
        ] {
            let error = try #require(throws: ConfigurationError.self) {
                _ = try Configuration(yaml: "features: [{name: a, kind: numeric}]\n" + yaml)
            }
            #expect(!error.description.contains("hunter2"))
            #expect(error.line == 2)
            #expect(error.description.contains("{environment: NAME} or {file: PATH}"))
        }
    }
}
