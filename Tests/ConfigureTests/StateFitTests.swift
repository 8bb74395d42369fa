import Configure
import Events
import Learn
import Testing

@Suite("A configuration and the state that another one made")
struct StateFitTests {
    private let saved = """
        features:
          - {name: user, kind: categorical, rows: 64}
          - {name: price.eur, kind: numeric}
        """

    private func fit(_ current: String) throws -> Configuration.StateFit {
        let before = try Configuration(yaml: saved)
        return try Configuration(yaml: current).fit(saved: before.canonical.reversed())
    }

    @Test("features may be added anywhere in the order")
    func added() throws {
        #expect(try fit(saved) == .same)
        let fit = try fit(
            """
            features:
              - {name: ad, kind: categorical, rows: 64}
              - {name: user, kind: categorical, rows: 64}
              - {name: price, kind: list, rows: 9, was: cost}
              - {name: price.eur, kind: numeric}
              - {name: price.eur.kind, kind: numeric}
            """
        )
        guard case .addedFields(let fields) = fit else {
            Issue.record("\(fit)")
            return
        }
        #expect(fields.names == ["ad", "price", "price.eur.kind"])
        #expect(fields.old.fields.map(\.name) == ["user", "price.eur"])
    }

    @Test(
        "anything else beside it is named",
        arguments: [
            ("[{name: user, kind: categorical, rows: 64}]", "", "features"),
            (
                "[{name: price.eur, kind: numeric}, {name: user, kind: categorical, rows: 64}, {name: x, kind: numeric}]",
                "", "features"
            ),
            (
                "[{name: user, kind: categorical, rows: 65}, {name: price.eur, kind: numeric}, {name: x, kind: numeric}]",
                "", "features.user.rows"
            ),
            (
                "[{name: user, kind: categorical, rows: 64, was: u}, {name: price.eur, kind: numeric}, {name: x, kind: numeric}]",
                "", "features.user.was"
            ),
            (
                "[{name: user, kind: categorical, rows: 64}, {name: price.eur, kind: numeric}, {name: x, kind: numeric}]",
                "loss: {gamma: 1}", "loss.gamma"
            ),
            (
                "[{name: user, kind: categorical, rows: 64}, {name: price.eur, kind: numeric}]",
                "model: {wide: true}", "model.wide"
            ),
        ]
    )
    func different(features: String, more: String, key: String) throws {
        guard case .different(let difference) = try fit("features: \(features)\n\(more)") else {
            Issue.record("it fits")
            return
        }
        #expect(difference.key == key)
    }

    @Test("a saved form that is not one of ours is no addition")
    func hostile() throws {
        let configuration = try Configuration(yaml: saved)
        for entries in [
            [], [("features", "[]")], [("features.user.kind", "list"), ("features", "[user]")],
            [("features", "[user]"), ("features.user.kind", "categorical")],
        ] as [[(key: String, value: String)]] {
            guard case .different = configuration.fit(saved: entries) else {
                Issue.record("\(entries)")
                continue
            }
        }
    }
}

@Suite("A renamed feature, and where a warm start begins")
struct WarmStartReadingTests {
    @Test(
        "`was` is the name under which values are hashed, part of what shapes the state, and printed"
    )
    func was() throws {
        let old = FeatureField(name: "user", kind: .categorical(rows: 64))
        let configuration = try Configuration(
            yaml: "features: [{name: person, kind: categorical, rows: 64, was: user}]"
        )
        let field = configuration.schema.fields[0]
        #expect(field.name == "person")
        #expect(field.seed == old.seed)
        #expect(field.row(of: Array("712".utf8).span) == old.row(of: Array("712".utf8).span))
        #expect(configuration.canonical.contains { $0 == ("features.person.was", "user") })
        #expect(try Configuration(yaml: configuration.resolved).schema == configuration.schema)
        let again = try Configuration(entries: configuration.canonical, file: "manifest.json")
        #expect(again.schema == configuration.schema)
    }

    @Test("warm_accumulator is read and printed, and not part of what shapes the state")
    func warmAccumulator() throws {
        let features = "features: [{name: a, kind: numeric}]\n"
        let plain = try Configuration(yaml: features)
        let other = try Configuration(yaml: features + "optimizer: {warm_accumulator: 3}")
        #expect(other.learn.optimizer.warmAccumulator == 3)
        #expect(other.fingerprint == plain.fingerprint)
        #expect(other.resolved.contains("warm_accumulator: 3.0"))
        #expect(try Configuration(yaml: other.resolved) == other)
        // The default is no more than accumulators can be.
        let low = try Configuration(yaml: features + "optimizer: {accumulator_max: 0.0005}")
        #expect(low.learn.optimizer.warmAccumulator == 0.0005)
        #expect(try Configuration(yaml: low.resolved) == low)
    }
}
