internal import Decode
internal import Events
internal import Join
internal import Learn
internal import Order
internal import Snapshot

/// One key with the value it resolved to, as YAML would state it.
struct ResolvedKey {
    var path: [String]
    var value: String
    /// Whether the state depends on it: another value means another model from the same events.
    var shapesState: Bool

    var key: String { path.joined(separator: ".") }
}

extension Configuration {
    /// Every key with its value, in one fixed order; features in the order of the schema.
    var resolvedKeys: [ResolvedKey] {
        var keys: [ResolvedKey] = []
        func add(_ section: String, shapesState: Bool, _ entries: [(String, String)]) {
            for (key, value) in entries {
                keys.append(
                    ResolvedKey(
                        path: section.split(separator: ".").map(String.init) + [key],
                        value: value,
                        shapesState: shapesState
                    )
                )
            }
        }
        keys.append(ResolvedKey(path: ["seed"], value: "\(learn.seed)", shapesState: true))
        kafka.resolve { add($0, shapesState: false, $1) }
        resolveEvents { add($0, shapesState: true, $1) }
        resolveOrderAndJoin { add($0, shapesState: true, $1) }
        for field in schema.fields {
            for (key, value) in field.resolved {
                keys.append(
                    ResolvedKey(
                        path: ["features", field.name, key],
                        value: value,
                        shapesState: true
                    )
                )
            }
        }
        learn.resolve { add($0, shapesState: true, $1) }
        // A network without a linear part has the canonical form of one from before there was any.
        let wide = learn.network.wide
        add("model", shapesState: wide, [("wide", "\(wide)")])
        if wide {
            add("optimizer", shapesState: true, [("wide_rate", "\(learn.optimizer.wideRate)")])
        }
        if learn.optimizer.method != .sgd {
            // Only a warm start looks at it, and the manifest says what that started from.
            let accumulator = "\(learn.optimizer.warmAccumulator)"
            add("optimizer", shapesState: false, [("warm_accumulator", accumulator)])
        }
        add(
            "snapshots",
            shapesState: false,
            [
                ("every", snapshots.every.text), ("keep", "\(snapshots.keep)"),
                ("keep_for", snapshots.keepFor.map(DurationText.text) ?? "none"),
                ("sampled_impressions", "\(snapshots.sampledImpressions)"),
            ]
        )
        add(
            "quarantine",
            shapesState: false,
            [
                ("payloads", "\(quarantine.payloads)"),
                ("max_rejected", quarantine.rejectedMax.map { "\($0)" } ?? "none"),
                ("max_file_bytes", quarantine.fileBytesMax.map(SizeText.text) ?? "none"),
            ]
        )
        publish.resolve { add($0, shapesState: false, $1) }
        return keys
    }

    private func resolveEvents(_ add: (String, [(String, String)]) -> Void) {
        add("events", [("time_unit", decode.timeUnit.rawValue)])
        add(
            "events.impressions",
            [
                ("id", yamlText(decode.impressions.id)),
                ("time", yamlText(decode.impressions.time)),
                ("features", yamlText(decode.impressions.features)),
                ("weight", yamlText(decode.impressions.weight)),
            ]
        )
        add(
            "events.clicks",
            [
                ("impression_id", yamlText(decode.clicks.impressionID)),
                ("time", yamlText(decode.clicks.time)),
                ("click_id", yamlText(decode.clicks.clickID)),
            ]
        )
        add(
            "events.conversions",
            [
                ("impression_id", yamlText(decode.conversions.impressionID)),
                ("click_id", yamlText(decode.conversions.clickID)),
                ("time", yamlText(decode.conversions.time)),
                ("event_id", yamlText(decode.conversions.eventID)),
                ("type", yamlText(decode.conversions.type)),
            ]
        )
        add(
            "events",
            [
                (
                    "conversion_types",
                    decode.conversionTypes.map { yamlList($0.map(yamlText)) } ?? "all"
                ),
                ("max_record_bytes", SizeText.text(decode.recordBytesMax)),
                ("max_time_ahead", DurationText.text(decode.timeAheadMax)),
                ("min_time", Timestamp.text(decode.timeMin)),
            ]
        )
    }

    private func resolveOrderAndJoin(_ add: (String, [(String, String)]) -> Void) {
        add(
            "order",
            [
                ("ordering_delay", DurationText.text(order.orderingDelay)),
                ("idle_advance", "\(order.idleAdvance)"),
            ]
        )
        add(
            "join",
            [
                ("click_window", DurationText.text(join.clickWindow)),
                ("conversion_window", DurationText.text(join.conversionWindow)),
                ("orphan_window", DurationText.text(join.orphanWindow)),
                ("closed_memory", DurationText.text(join.closedMemory)),
            ]
        )
        add(
            "join.label_timing",
            [("ctr", join.ctrTiming.rawValue), ("ctcvr", join.ctcvrTiming.rawValue)]
        )
        add(
            "join",
            [
                ("guard_span", DurationText.text(join.guardSpan)),
                ("guard_ratio", "\(join.guardRatio)"),
                ("max_open_impressions", "\(join.openImpressionsMax)"),
                ("max_held_events", "\(join.heldEventsMax)"),
                ("max_closed_ids", "\(join.closedIDsMax)"),
            ]
        )
    }
}

extension KafkaConfiguration {
    fileprivate func resolve(_ add: (String, [(String, String)]) -> Void) {
        add(
            "kafka.topics",
            [
                ("impressions", yamlText(topics.impressions)),
                ("clicks", yamlText(topics.clicks)),
                ("conversions", yamlText(topics.conversions)),
            ]
        )
        add(
            "kafka",
            [("start", start.text), ("connect_timeout", DurationText.text(connectTimeout))]
        )
        add("kafka.settings", settings.sorted { $0.key < $1.key }.map { ($0, yamlText($1)) })
        add(
            "kafka.secrets",
            secrets.sorted { $0.key < $1.key }.map { name, secret in
                switch secret {
                case .environment(let variable): (name, "{environment: \(yamlText(variable))}")
                case .file(let path): (name, "{file: \(yamlText(path))}")
                }
            }
        )
    }
}

extension FeatureField {
    fileprivate var resolved: [(String, String)] {
        kind.resolved + (was.map { [("was", yamlText($0))] } ?? [])
    }
}

extension FeatureField.Kind {
    fileprivate var resolved: [(String, String)] {
        switch self {
        case .categorical(let rows):
            [("kind", "categorical"), ("rows", "\(rows)")]
        case .list(let rows, let pooling):
            [("kind", "list"), ("rows", "\(rows)"), ("pooling", pooling.rawValue)]
        case .numeric(let clip):
            [("kind", "numeric"), ("clip", "\(clip)")]
        case .bucketed(let boundaries):
            [("kind", "bucketed"), ("buckets", yamlList(boundaries.map { "\($0)" }))]
        }
    }
}

extension LearnSettings {
    fileprivate func resolve(_ add: (String, [(String, String)]) -> Void) {
        add("model", [("embedding_dimension", "\(network.embeddingDimension)")])
        add(
            "model.experts",
            [
                ("count", "\(network.experts)"),
                ("layers", yamlList(network.expertLayers.map { "\($0)" })),
            ]
        )
        add("model", [("gates", network.gates.rawValue)])
        add("model.towers", [("layers", yamlList(network.towerLayers.map { "\($0)" }))])
        add(
            "loss",
            [("gamma", "\(loss.gamma)"), ("alpha", loss.alpha.map { "\($0)" } ?? "none")]
        )
        add("base_rates", [("ctr", "\(baseCTR)"), ("ctcvr", "\(baseCTCVR)")])
        add("optimizer", optimizer.method.resolved)
        add(
            "optimizer",
            [
                ("embedding_rate", "\(optimizer.embeddingRate)"),
                ("dense_rate", "\(optimizer.denseRate)"),
                ("embedding_deviation", "\(embeddingDeviation)"),
            ]
        )
        add("metrics", [("cohort", DurationText.text(cohortWidth))])
    }
}

extension OptimizerSettings.Method {
    fileprivate var resolved: [(String, String)] {
        switch self {
        case .sgd:
            [("method", "sgd")]
        case .adagrad(let initial, let epsilon, let limit):
            [
                ("method", "adagrad"), ("initial_accumulator", "\(initial)"),
                ("epsilon", "\(epsilon)"),
                ("accumulator_max", limit == .greatestFiniteMagnitude ? "none" : "\(limit)"),
            ]
        case .ftrl(let beta, let l1, let l2):
            [("method", "ftrl"), ("beta", "\(beta)"), ("l1", "\(l1)"), ("l2", "\(l2)")]
        }
    }
}
