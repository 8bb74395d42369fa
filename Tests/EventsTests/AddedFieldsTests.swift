import Events
import Testing

@Suite struct AddedFieldsTests {
    private let old = FeatureSchema(fields: [
        FeatureField(name: "user", kind: .categorical(rows: 9)),
        FeatureField(name: "recent", kind: .list(rows: 7, pooling: .mean)),
        FeatureField(name: "price", kind: .numeric(clip: 5)),
    ])
    private let added = [
        FeatureField(name: "ad", kind: .categorical(rows: 5)),
        FeatureField(name: "liked", kind: .list(rows: 6, pooling: .sum)),
        FeatureField(name: "seconds", kind: .numeric(clip: 5)),
        FeatureField(name: "age", kind: .bucketed(boundaries: [18, 40])),
    ]

    private func schema(_ places: [Int]) -> FeatureSchema {
        var fields = old.fields
        for (place, field) in zip(places, added) { fields.insert(field, at: place) }
        return FeatureSchema(fields: fields)
    }

    @Test("an older impression has the new fields' missing values in their places")
    func words() throws {
        let number = Float(0.25).bitPattern
        let impression: [UInt32] = [3, 2, 6, 0, number]
        let front = try #require(AddedFields(from: old, to: schema([0, 0, 0, 0])))
        #expect(front.words(of: impression) == [3, 0, 1, 6, 5] + impression)
        #expect(front.names == ["age", "seconds", "liked", "ad"])
        let end = try #require(AddedFields(from: old, to: schema([3, 4, 5, 6])))
        #expect(end.words(of: impression) == impression + [5, 1, 6, 0, 3])
        let between = try #require(AddedFields(from: old, to: schema([1, 3, 5, 0])))
        #expect(between.words(of: impression) == [3, 3, 5, 2, 6, 0, 1, 6, number, 0])
        let words = try #require(between.words(of: impression))
        let isAccepted = between.new.accepts(words.span)
        #expect(isAccepted)
        // An empty list stays one.
        #expect(end.words(of: [3, 0, number]) == [3, 0, number, 5, 1, 6, 0, 3])
    }

    @Test("words that are not of the older schema are refused")
    func refusal() throws {
        let fields = try #require(AddedFields(from: old, to: schema([0, 1, 2, 3])))
        let number = Float(1).bitPattern
        for words in [
            [], [3], [10, 0, number], [3, 4_000_000_000, number], [3, 1, 8, number], [3, 0],
        ] {
            #expect(fields.words(of: words) == nil, "\(words)")
        }
    }

    @Test("nothing added, a field taken away, moved or changed are no addition")
    func otherChanges() {
        #expect(AddedFields(from: old, to: old) == nil)
        #expect(AddedFields(from: schema([0, 0, 0, 0]), to: old) == nil)
        let reversed = FeatureSchema(fields: old.fields.reversed() + added)
        #expect(AddedFields(from: old, to: reversed) == nil)
        var changed = schema([0, 0, 0, 0])
        changed.fields[4].kind = .categorical(rows: 10)
        #expect(AddedFields(from: old, to: changed) == nil)
    }
}
