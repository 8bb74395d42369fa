import Configure
import Events
import Export
import Learn
import TestSupport
import Testing

@Suite("How full an embedding table is")
struct FieldFiguresTests {
    /// A learner that has trained on `ids` of a categorical field and lists of `ids` of a list field.
    private func figures(
        _ ids: [Int],
        rows: Int,
        missing: Bool = false,
        wide: Bool = false
    ) throws -> [FieldFigures] {
        let configuration = try Configuration(
            yaml: """
                features:
                  - {name: user, kind: categorical, rows: \(rows)}
                  - {name: price, kind: numeric}
                  - {name: recent, kind: list, rows: \(rows)}
                  - {name: age, kind: bucketed, buckets: [1, 2, 3, 4]}
                model:
                  {embedding_dimension: 4, experts: {count: 1, layers: [8]}, towers: {layers: [4]}, wide: \(wide)}
                """
        )
        let schema = configuration.schema
        var learner = Learner(
            schema: schema,
            settings: configuration.learn,
            maturity: 1_000
        )
        func train(_ words: [UInt32]) {
            var words = words
            var span = words.mutableSpan
            let example = Example(
                time: 0,
                impressionTime: 0,
                labels: Labels(ctr: true, ctcvr: false),
                ctrWeight: 1,
                ctcvrWeight: 1,
                prediction: learner.arrive(features: &span)
            )
            learner.train(example, features: span.span)
        }
        func row(_ id: Int, _ field: Int) -> UInt32 {
            schema.fields[field].row(of: "\(id)".utf8Span.span)
        }
        // Learning reaches the embeddings once the last layers are no longer zero.
        for _ in 0..<3 { train([row(ids[0], 0), 0, 1, row(ids[0], 2), 2]) }
        for id in ids { train([row(id, 0), 0, 2, row(id, 2), row(ids[0], 2), 2]) }
        if missing { train([UInt32(rows), 0, 1, UInt32(rows), 5]) }
        return FieldFigures.all(
            of: learner.copyState().network.parameters,
            schema: schema,
            settings: configuration.learn
        )
    }

    @Test("is the same beside a linear part, whose tables are not counted")
    func wide() throws {
        let ids: [Int] = (0..<500).map { $0 &* 7 &+ 3 }
        let wide = try figures(ids, rows: 512, wide: true)
        let deep = try figures(ids, rows: 512)
        #expect(wide == deep)
    }

    @Test(
        "is estimated from its touched rows within a few standard errors",
        arguments: [(500, 4_096), (4_096, 4_096), (9_000, 4_096), (3_000, 65_536)],
        [false, true]
    )
    func estimates(size: (ids: Int, rows: Int), missing: Bool) throws {
        let ids = (0..<size.ids).map { $0 &* 7 &+ 3 }
        let figures = try figures(ids, rows: size.rows, missing: missing)
        #expect(figures.map(\.field) == ["user", "recent", "age"])
        #expect(figures.map(\.kind) == ["categorical", "list", "bucketed"])
        for field in figures.dropLast() {
            let hashed = FeatureField(name: field.field, kind: .categorical(rows: size.rows))
            let rows = ids.map { hashed.row(of: "\($0)".utf8Span.span) }
            let counts = Dictionary(rows.map { ($0, 1) }, uniquingKeysWith: +)
            #expect(field.rows == size.rows)
            #expect(field.rowsTouched == counts.count)
            #expect(field.isMissingRowTouched == missing)
            #expect(!field.isLowerBound)
            // Whang et al., equation 8.
            let load = Double(size.ids) / Double(size.rows)
            let deviation = (Double(size.rows) * (exponential(load) - load - 1)).squareRoot()
            #expect(abs(field.distinctIDs - Double(size.ids)) < 4 * deviation + 1)
            let colliding = rows.count { counts[$0]! > 1 }
            #expect(abs(field.collidingShare - Double(colliding) / Double(size.ids)) < 0.04)
        }
        #expect(figures[2].rows == 5)
        #expect(figures[2].rowsTouched == 1)
        #expect(figures[2].distinctIDs == 1)
        #expect(figures[2].collidingShare == 0)
        #expect(figures[2].isMissingRowTouched == missing)
    }

    @Test("is a lower bound where all rows are touched")
    func saturated() throws {
        let user = try figures(Array(0..<500), rows: 16)[0]
        #expect(user.rowsTouched == 16)
        #expect(user.isLowerBound)
        #expect(user.distinctIDs >= 16 && user.distinctIDs <= 500)
        #expect(user.collidingShare > 0.9)
        let one = try figures(Array(0..<5), rows: 1)[0]
        #expect(one.rowsTouched == 1)
        #expect(one.isLowerBound)
        #expect(one.distinctIDs == 1)
    }

    @Test("of a fresh model: nothing is touched")
    func fresh() throws {
        for more in ["", "seed: 77", "optimizer: {method: ftrl, l1: 0.1}"] {
            let trained = try TrainedModel(more, steps: 0)
            let figures = FieldFigures.all(
                of: trained.state.network.parameters,
                schema: trained.configuration.schema,
                settings: trained.configuration.learn
            )
            #expect(figures.count == 4)
            for field in figures {
                #expect(field.rowsTouched == 0)
                #expect(!field.isMissingRowTouched)
                #expect(field.distinctIDs == 0)
                #expect(field.collidingShare == 0)
            }
        }
    }

    /// e^x
    private func exponential(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for n in 1..<100 {
            term *= x / Double(n)
            sum += term
        }
        return sum
    }

    @Test("tables of a state that gained fields are held against what each of them started from")
    func addedFields() throws {
        func field(_ name: String) -> FeatureField {
            FeatureField(name: name, kind: .categorical(rows: 32))
        }
        let learn = Configuration(schema: FeatureSchema(fields: [field("a")])).learn
        func network(_ names: [String]) -> Network {
            Network(
                schema: FeatureSchema(fields: names.map(field)),
                settings: learn.network,
                optimizer: learn.optimizer,
                loss: learn.loss,
                embeddingDeviation: learn.embeddingDeviation,
                outputBiases: (ctr: 0, cvr: 0),
                seed: learn.seed
            )
        }
        // b was added in front of a, then c between them.
        let times = [["a"], ["b", "a"], ["b", "c", "a"]]
        var grown = network(times[2])
        for (time, name) in [(0, "a"), (1, "b")] {
            let tensor = "embedding.\(name).weight"
            let fresh = network(times[time])
            let values = fresh.values(of: tensor)
            try grown.setValues(values ?? [], of: tensor)
        }
        let parameters = grown.withParameters { parameters in
            parameters.indices.map { parameters[$0] }
        }
        let schema = FeatureSchema(fields: times[2].map(field))
        let figures = FieldFigures.all(
            of: parameters,
            schema: schema,
            settings: learn,
            addedFeatures: [["b"], ["c"]]
        )
        #expect(figures.map(\.field) == times[2])
        #expect(figures.map(\.rowsTouched) == [0, 0, 0])
        let unaware = FieldFigures.all(of: parameters, schema: schema, settings: learn)
        #expect(unaware.map(\.rowsTouched).contains { $0 > 0 })
    }
}
