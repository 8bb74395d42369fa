import Decode
import Events
import Testing

@Suite struct FeatureDecodingTests {
    static let missing: [UInt32] = [1000, 1000, 1, 1000, Float.nan.bitPattern, 4]

    @Test(
        "absent and null features are missing",
        arguments: [
            "{}", "null",
            #"{"user_id": null, "tab": null, "recent": null, "age": null, "price": null}"#,
        ]
    )
    func missingValues(features: String) {
        #expect(words(features) == Self.missing)
    }

    @Test("an impression without features has none of them")
    func noFeatures() {
        let batch = decode(
            #"{"impression_id": "a", "ts": 1650812741436}"#,
            as: .impression,
            schema: mixedSchema
        )
        #expect(batch.words == Self.missing)
        #expect(batch.records[0].event.weight == 1)
    }

    @Test("712 and \"712\" are one value, and an escaped letter is the letter")
    func sameValues() {
        #expect(words(#"{"user_id": 712}"#)?[0] == 850)
        #expect(words(#"{"user_id": "712"}"#)?[0] == 850)
        #expect(words(#"{"user_id": "\u0037\u00312"}"#)?[0] == 850)
        #expect(words(#"{"\u0075ser_id": 712}"#)?[0] == 850)
        #expect(words(#"{"user_id": 18446744073709551615}"#)?[0] == 546)
        #expect(words(#"{"user_id": -9223372036854775808}"#)?[0] == 188)
        #expect(words(#"{"tab": ""}"#)?[1] == 973)
    }

    @Test("an escaped \"\\u0041\" equals \"A\"")
    func escapes() {
        #expect(words(#"{"tab": "\u0041\n\ud83d\ude00\/"}"#) == words("{\"tab\": \"A\\n😀/\"}"))
    }

    @Test("a list has its number of rows before them; an empty one has none")
    func lists() {
        let row = mixedSchema.fields[2].row(of: "x".utf8Span.span)
        #expect(words(#"{"recent": []}"#) == [1000, 1000, 0, Float.nan.bitPattern, 4])
        #expect(
            words(#"{"recent": ["x", 4542, "x"]}"#)
                == [1000, 1000, 3, row, 431, row, Float.nan.bitPattern, 4]
        )
    }

    @Test(
        "rows are those of the public rule, whatever the size of the table",
        arguments: [1, 2, 3, 7, 1000, 65_536, 10_000_019, 1 << 31, (1 << 32) - 1]
    )
    func rows(rows: Int) {
        let field = FeatureField(name: "f", kind: .list(rows: rows, pooling: .sum))
        let values = (0..<1000).map { "\"\($0)\"" }
        let batch = decode(
            #"{"impression_id": 1, "ts": 1650812741436, "features": {"f": [\#(values.joined(separator: ","))]}}"#,
            as: .impression,
            schema: FeatureSchema(fields: [field])
        )
        #expect(
            batch.words.dropFirst().elementsEqual(
                (0..<1000).map { field.row(of: "\($0)".utf8Span.span) }
            )
        )
    }

    @Test("rows are those of the public rule, however long the value", arguments: 0...70)
    func lengths(count: Int) {
        var generator = Seeded(state: UInt64(count))
        let alphabet = Array("0123456789abcxyzéß漢😀")
        for _ in 0..<50 {
            let text = String((0..<count).map { _ in alphabet.randomElement(using: &generator)! })
            let row = mixedSchema.fields[1].row(of: text.utf8Span.span)
            #expect(words(#"{"tab": "\#(text)"}"#)?[1] == row, "\(text)")
            #expect(words(#"{"recent":["\#(text)" ,1]}"#)?[3] == listRow(text), "\(text)")
        }
    }

    @Test(
        "an integer is hashed as its decimal text",
        arguments: [
            ("-0", "0"), ("0", "0"), ("-1", "-1"), ("12345678", "12345678"),
            ("123456789", "123456789"), ("1234567890123456", "1234567890123456"),
            ("-999999999999999999", "-999999999999999999"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
        ]
    )
    func integers(written: String, text: String) {
        #expect(words(#"{"recent":[\#(written)]}"#)?[3] == listRow(text))
        #expect(words(#"{"recent": [ \#(written) , 1]}"#)?[3] == listRow(text))
        let batch = decode(
            #"{"impression_id":\#(written),"ts":1650812741436}"#,
            as: .impression
        )
        #expect(batch.text == Array(text.utf8))
        #expect(batch.records[0].event.impressionID == EventID(text))
    }

    private func listRow(_ text: String) -> UInt32 {
        mixedSchema.fields[2].row(of: text.utf8Span.span)
    }

    @Test(
        "of repeated features the last count, not what others had beside them",
        arguments: [
            (#"{"user_id":712,"tab":"a"},"features":{"tab":"home"}"#, [1000, 814]),
            (#"{"tab":"home"},"features":{}"#, [1000, 1000]),
            (#"{"tab":"home"},"features":null"#, [1000, 1000]),
            (#"null,"features":{"user_id":1,"user_id":712}"#, [850, 1000]),
            (#"[{"user_id":1}],"features":{"tab":"home"}"#, [1000, 814]),
        ] as [(String, [UInt32])]
    )
    func repeatedFeatures(features: String, expected: [UInt32]) {
        #expect(words(features).map { Array($0.prefix(2)) } == expected)
    }

    @Test("keys of any length and content are found, in any record")
    func keys() {
        let names =
            ["", "a", "ab", "seven77", "eight888", "nine99999", "a\"b", "a\\b", "é", "😀"]
            + [15, 16, 17, 100].map { String(repeating: "k", count: $0) }
        let schema = FeatureSchema(
            fields: names.map { FeatureField(name: $0, kind: .categorical(rows: 1 << 20)) }
        )
        let rows = schema.fields.map { $0.row(of: "v".utf8Span.span) }
        let written = names.map {
            $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        }
        var decoder = EventDecoder(schema: schema, settings: DecodeSettings())
        var batch = EventBatch()
        for round in 0..<4 {
            let features = written.map { "\"\($0)\":\(round == 2 ? " " : "")\"v\"" }
            let record = #"{"impression_id":1,"ts":1650812741436,"features":{"#
            batch.removeAll()
            decoder.decode(
                Array((record + features.joined(separator: ",") + "}}").utf8).span,
                from: .test(.impression),
                into: &batch
            )
            #expect(batch.words == rows, "round \(round)")
        }
    }

    @Test("a long list is encoded whole")
    func longLists() throws {
        let list = (0..<50_000).map { "\($0)" }
        let encoded = try #require(words(#"{"recent": [\#(list.joined(separator: ","))]}"#))
        #expect(encoded[2] == 50_000)
        #expect(
            encoded[3..<50_003].elementsEqual(
                list.map { mixedSchema.fields[2].row(of: $0.utf8Span.span) }
            )
        )
    }

    @Test(
        "a number is the nearest Float",
        arguments: [
            ("4", 4), ("-0.1", -0.1), ("1e-400", 0), ("16777217", 16_777_216),
            ("18446744073709551615", 18_446_744_073_709_551_616),
            ("100000000000000000000", 1e20), ("-123456789012345678901234567890", -1.2345679e29),
            ("3.4028232e38", Float.greatestFiniteMagnitude.nextDown),
        ] as [(String, Float)]
    )
    func numbers(written: String, number: Float) {
        #expect(words(#"{"age": \#(written)}"#)?[4] == number.bitPattern)
    }

    @Test(
        "bucket i holds numbers from boundary i-1 inclusive to boundary i exclusive",
        arguments: [
            ("-1e30", 0), ("-0.001", 0), ("0", 1), ("-0.0", 1), ("9.99", 1), ("10", 2), ("99", 2),
            ("100", 3), ("100000000000000000000", 3),
        ] as [(String, UInt32)]
    )
    func buckets(written: String, bucket: UInt32) {
        #expect(words(#"{"price": \#(written)}"#)?.last == bucket)
    }

    @Test("the order of keys does not matter")
    func keyOrder() throws {
        var generator = Seeded(state: 11)
        var values = [
            #""user_id": 712"#, #""tab": "home""#, #""recent": [1, "b"]"#, #""age": 3.5"#,
            #""price": 12"#, #""other": {"tab": 1}"#,
        ]
        let expected = try #require(words("{" + values.joined(separator: ",") + "}"))
        for _ in 0..<100 {
            values.shuffle(using: &generator)
            #expect(words("{" + values.joined(separator: ",") + "}") == expected)
        }
    }

    @Test("one decoder reads records whose keys keep changing")
    func changingKeys() {
        var generator = Seeded(state: 12)
        var decoder = EventDecoder(schema: mixedSchema, settings: DecodeSettings())
        var batch = EventBatch()
        let values = [#""user_id": 712"#, #""tab": "home""#, #""age": 3.5"#, #""x": 12"#]
        for _ in 0..<200 {
            let chosen = values.shuffled(using: &generator).prefix(3)
            batch.removeAll()
            let features = chosen.joined(separator: ",")
            decoder.decode(
                Array(#"{"ts":1650812741436,"features":{\#(features)},"impression_id":1}"#.utf8)
                    .span,
                from: .test(.impression),
                into: &batch
            )
            #expect(batch.words[0] == (chosen.contains(values[0]) ? 850 : 1000))
            #expect(batch.words[1] == (chosen.contains(values[1]) ? 814 : 1000))
            #expect(Float(bitPattern: batch.words[4]).isNaN == !chosen.contains(values[2]))
        }
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
