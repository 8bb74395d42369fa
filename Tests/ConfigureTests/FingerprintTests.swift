import Configure
import Decode
import Events
import Join
import Learn
import Order
import Snapshot
import Testing

@Suite("What a state was made with")
struct FingerprintTests {
    private let base = Configuration(
        schema: FeatureSchema(fields: [
            FeatureField(name: "user", kind: .categorical(rows: 1024)),
            FeatureField(name: "age", kind: .numeric(clip: 5)),
        ])
    )

    private func firstKey(_ change: (inout Configuration) -> Void) -> String? {
        var changed = base
        change(&changed)
        let difference = Configuration.firstDifference(
            saved: base.canonical,
            current: changed.canonical
        )
        #expect((difference == nil) == (changed.fingerprint == base.fingerprint))
        return difference?.key
    }

    @Test("the fingerprint is this one, on every machine and in every version")
    func stability() {
        #expect(base.fingerprint == "ffe6ff28c910a054")
    }

    @Test("comments, the order of keys and stated defaults do not change it")
    func insensitivity() throws {
        let sparse = try Configuration(
            yaml: "features:\n  - {name: a, kind: list, rows: 8}\nseed: 3\norder:\n"
        )
        let verbose = try Configuration(
            yaml: """
                order: {idle_advance: true, ordering_delay: 2000ms}  # as by default
                seed: 3
                features:
                  - pooling: mean
                    rows: 0_8
                    kind: list
                    name: "a"
                """.replacing("0_8", with: "8")
        )
        #expect(sparse.fingerprint == verbose.fingerprint)
    }

    @Test("addresses, schedules, the quarantine and publishing may change")
    func unrelatedKeys() {
        #expect(firstKey { $0.kafka.settings["bootstrap.servers"] = "other:9092" } == nil)
        #expect(firstKey { $0.kafka.topics.clicks = "other" } == nil)
        #expect(firstKey { $0.kafka.secrets["sasl.password"] = .environment("X") } == nil)
        #expect(firstKey { $0.kafka.start = .latest } == nil)
        #expect(firstKey { $0.snapshots.every = .events(7) } == nil)
        #expect(firstKey { $0.snapshots.keep = 9 } == nil)
        #expect(firstKey { $0.quarantine.payloads = true } == nil)
        #expect(firstKey { $0.decode.keepsRejectedPayloads = true } == nil)
        #expect(firstKey { $0.quarantine.rejectedMax = 5 } == nil)
        #expect(firstKey { $0.quarantine.fileBytesMax = nil } == nil)
        #expect(firstKey { $0.publish.directory = "models" } == nil)
        #expect(firstKey { $0.publish.gate.shiftMax = 0.1 } == nil)
    }

    @Test("whatever determines the state is named by its key")
    func relatedKeys() {
        #expect(firstKey { $0.learn.seed = 2 } == "seed")
        #expect(firstKey { $0.decode.timeUnit = .seconds } == "events.time_unit")
        #expect(firstKey { $0.decode.clicks.clickID = "k" } == "events.clicks.click_id")
        #expect(firstKey { $0.decode.conversionTypes = ["a"] } == "events.conversion_types")
        #expect(firstKey { $0.decode.timeMin = 0 } == "events.min_time")
        #expect(firstKey { $0.order.orderingDelay = 1 } == "order.ordering_delay")
        #expect(firstKey { $0.join.clickWindow += 1 } == "join.click_window")
        #expect(firstKey { $0.join.ctrTiming = .known } == "join.label_timing.ctr")
        #expect(firstKey { $0.join.closedIDsMax = 1 } == "join.max_closed_ids")
        #expect(firstKey { $0.join.guardSpan += 1 } == "join.guard_span")
        #expect(firstKey { $0.join.guardRatio = 0.5 } == "join.guard_ratio")
        #expect(firstKey { $0.learn.network.towerLayers = [8] } == "model.towers.layers")
        #expect(firstKey { $0.learn.network.wide = true } == "model.wide")
        #expect(firstKey { $0.learn.loss.alpha = nil } == "loss.alpha")
        #expect(firstKey { $0.learn.baseCTR = 0.02 } == "base_rates.ctr")
        #expect(firstKey { $0.learn.optimizer.method = .sgd } == "optimizer.method")
        #expect(
            firstKey { $0.learn.optimizer.denseRate = $0.learn.optimizer.denseRate.nextUp }
                == "optimizer.dense_rate"
        )
        #expect(firstKey { $0.learn.cohortWidth = 1000 } == "metrics.cohort")
    }

    @Test("a linear part is part of it with its rate; without one its keys are not")
    func wide() throws {
        var wide = base
        wide.learn.network.wide = true
        #expect(wide.canonical.contains { $0 == ("model.wide", "true") })
        var faster = wide
        faster.learn.optimizer.wideRate = 0.5
        let rates = Configuration.firstDifference(
            saved: wide.canonical,
            current: faster.canonical
        )
        #expect(rates?.key == "optimizer.wide_rate")
        let dropped = Configuration.firstDifference(
            saved: wide.canonical,
            current: base.canonical
        )
        #expect(dropped == ConfigurationDifference(key: "model.wide", saved: "true", current: nil))
        #expect(!base.canonical.contains { $0.key.contains("wide") })
        #expect(base.resolved.contains("wide: false"))
        for configuration in [base, faster] {
            let read = try Configuration(entries: configuration.canonical, file: "manifest.json")
            #expect(read.learn == configuration.learn)
        }
    }

    @Test("a feature's name, kind, size and place are part of it")
    func features() {
        #expect(
            firstKey { $0.schema.fields[0].kind = .categorical(rows: 2048) }
                == "features.user.rows"
        )
        #expect(
            firstKey { $0.schema.fields[1].kind = .bucketed(boundaries: [1]) }
                == "features.age.kind"
        )
        #expect(firstKey { $0.schema.fields.swapAt(0, 1) } == "features")
        #expect(firstKey { $0.schema.fields.removeLast() } == "features")
    }

    @Test("a difference says what the state has and what the configuration has")
    func description() throws {
        var changed = base
        changed.learn.seed = 2
        let canonical = base.canonical
        let difference = try #require(
            Configuration.firstDifference(
                saved: canonical.reversed(),
                current: changed.canonical
            )
        )
        #expect(
            difference.description == "seed: the state was made with 1, the configuration has 2"
        )
        let extra = canonical + [(key: "later.key", value: "x")]
        #expect(
            Configuration.firstDifference(saved: extra, current: canonical)
                == ConfigurationDifference(key: "later.key", saved: "x", current: nil)
        )
        #expect(Configuration.firstDifference(saved: canonical, current: extra)?.saved == nil)
        #expect(Configuration.firstDifference(saved: canonical, current: canonical) == nil)
    }
}
