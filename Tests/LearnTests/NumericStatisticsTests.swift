import Events
import Learn
import StateCoding
import Testing

private let schema = FeatureSchema(fields: [
    FeatureField(name: "user", kind: .categorical(rows: 100)),
    FeatureField(name: "price", kind: .numeric(clip: 3)),
    FeatureField(name: "recent", kind: .list(rows: 50, pooling: .mean)),
    FeatureField(name: "age", kind: .bucketed(boundaries: [1, 2])),
    FeatureField(name: "score", kind: .numeric(clip: 10)),
    FeatureField(name: "tab", kind: .categorical(rows: 7)),
])

/// Encodes one impression with a list of `listCount` rows, and returns its words after arrival.
private func arrive(
    _ statistics: inout NumericStatistics,
    price: Float,
    score: Float,
    listCount: Int = 2
) -> [UInt32] {
    var words: [UInt32] = [17, price.bitPattern, UInt32(listCount)]
    words += (0..<listCount).map { UInt32($0) }
    words += [2, score.bitPattern, 5]
    var span = words.mutableSpan
    statistics.standardiseAndLearn(&span)
    return words
}

private func price(_ words: [UInt32]) -> Float { Float(bitPattern: words[1]) }
private func score(_ words: [UInt32]) -> Float { Float(bitPattern: words[words.count - 2]) }

@Suite struct NumericStatisticsTests {
    @Test("a value is standardised by those before it, and learnt from afterwards")
    func order() {
        var statistics = NumericStatistics(schema: schema)
        var seen: [Double] = []
        var source = SeededSource(seed: 4)
        for _ in 0..<500 {
            let value = Float(100 + 20 * source.normal())
            var expected = 0.0
            let mean = seen.reduce(0, +) / Double(max(seen.count, 1))
            let variance =
                seen.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(max(seen.count, 1))
            if variance > 0 {
                expected = min(max((Double(value) - mean) / variance.squareRoot(), -3), 3)
            }
            let words = arrive(&statistics, price: value, score: 1)
            #expect(abs(Double(price(words)) - expected) < 1e-5)
            seen.append(Double(value))
        }
        #expect(statistics.names == ["price", "score"])
        #expect(statistics.moments[0].count == 500)
    }

    @Test("mean and population variance of 2, 4, 4, 4, 5, 5, 7, 9 are 5 and 4")
    func moments() {
        var moments = NumericMoments()
        #expect(moments.variance == 0)
        for value: Float in [2, 4, 4, 4, 5, 5, 7, 9] { moments.learn(value) }
        #expect(moments.mean == 5)
        #expect(abs(moments.variance - 4) < 1e-12)
        #expect(moments.standardised(9, clip: 10) == 2)
        #expect(moments.standardised(9, clip: 1.5) == 1.5)
        #expect(moments.standardised(-1e30, clip: 1.5) == -1.5)
    }

    @Test("an absent value becomes 0 and teaches nothing")
    func absent() {
        var statistics = NumericStatistics(schema: schema)
        for value: Float in [1, 2, 3] { _ = arrive(&statistics, price: value, score: value) }
        let before = statistics
        let words = arrive(&statistics, price: .nan, score: .nan)
        #expect(price(words) == 0 && score(words) == 0)
        #expect(statistics == before)
    }

    @Test("standardising alone gives the same values and teaches nothing")
    func predictOnly() {
        var statistics = NumericStatistics(schema: schema)
        for value: Float in [1, 2, 4] { _ = arrive(&statistics, price: value, score: -value) }
        let before = statistics
        var words: [UInt32] = [17, Float(3).bitPattern, 0, 2, Float(-9).bitPattern, 5]
        var span = words.mutableSpan
        before.standardise(&span)
        #expect(words == arrive(&statistics, price: 3, score: -9, listCount: 0))
        #expect(statistics.moments[0].count == before.moments[0].count + 1)
    }

    @Test("a constant feature is 0 and stays 0")
    func constant() {
        var statistics = NumericStatistics(schema: schema)
        for _ in 0..<50 {
            #expect(price(arrive(&statistics, price: 0.1, score: 0)) == 0)
        }
        #expect(statistics.moments[0].variance == 0)
        #expect(price(arrive(&statistics, price: 0.2, score: 0)) == 0)
        #expect(price(arrive(&statistics, price: 0.2, score: 0)) == 3)
    }

    @Test("only numeric words change, however long the list before them", arguments: [0, 1, 9])
    func walk(listCount: Int) {
        var statistics = NumericStatistics(schema: schema)
        _ = arrive(&statistics, price: 1, score: 10, listCount: 4)
        _ = arrive(&statistics, price: 3, score: 30, listCount: 0)
        let words = arrive(&statistics, price: 3, score: 30, listCount: listCount)
        #expect(price(words) == 1 && score(words) == 1)
        #expect(words[0] == 17 && words[2] == UInt32(listCount))
        #expect(words[3..<3 + listCount].elementsEqual((0..<listCount).map { UInt32($0) }))
        #expect(words[3 + listCount] == 2 && words.last == 5)
    }

    @Test("the greatest finite numbers keep the statistics finite and useful")
    func huge() {
        var statistics = NumericStatistics(schema: schema)
        for _ in 0..<100 {
            for value: Float in [3e38, -3e38, 0, 1e-38] {
                let standardised = price(arrive(&statistics, price: value, score: value))
                #expect(standardised.isFinite && abs(standardised) <= 3)
            }
        }
        #expect(abs(statistics.moments[0].variance / 4.5e76 - 1) < 1e-3)
        let high = price(arrive(&statistics, price: 3e38, score: 0))
        #expect(abs(high - 2.0.squareRoot().float) < 1e-2)
    }

    @Test("a restored state goes on to the bit")
    func state() throws {
        var statistics = NumericStatistics(schema: schema)
        var source = SeededSource(seed: 8)
        for _ in 0..<100 {
            _ = arrive(&statistics, price: Float(source.normal()), score: Float(source.uniform()))
        }
        var writer = StateWriter()
        statistics.encode(to: &writer)
        var restored = NumericStatistics(schema: schema)
        var reader = StateReader(writer.bytes)
        try restored.decode(from: &reader)
        try reader.finish()
        #expect(restored == statistics)
        #expect(
            arrive(&restored, price: 0.3, score: 0.4) == arrive(&statistics, price: 0.3, score: 0.4)
        )
    }

    @Test("statistics of other features, or truncated ones, are refused")
    func refusal() throws {
        var writer = StateWriter()
        NumericStatistics(schema: schema).encode(to: &writer)
        let other = FeatureSchema(fields: [
            FeatureField(name: "price", kind: .numeric(clip: 3)),
            FeatureField(name: "weight", kind: .numeric(clip: 3)),
        ])
        var receiver = NumericStatistics(schema: other)
        let error = #expect(throws: StateError.self) {
            var reader = StateReader(writer.bytes)
            try receiver.decode(from: &reader)
        }
        #expect(error?.description.contains("weight") == true)
        for count in writer.bytes.indices {
            var same = NumericStatistics(schema: schema)
            #expect(throws: StateError.self, "\(count) bytes") {
                var reader = StateReader(Array(writer.bytes[..<count]))
                try same.decode(from: &reader)
            }
        }
    }
}

extension Double {
    fileprivate var float: Float { Float(self) }
}
