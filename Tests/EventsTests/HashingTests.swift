import Events
import Testing

/// The expected values come from an XXH64 written from its specification in Python, and, for ids, from
/// libxxhash called in C.
@Suite struct HashingTests {
    @Test("XXH64 agrees with its published vectors")
    func publishedVectors() {
        #expect(xxHash64("".utf8Span.span, seed: 0) == 0xEF46_DB37_51D8_E999)
        #expect(xxHash64("a".utf8Span.span, seed: 0) == 0xD24E_C4F1_A98C_6E5B)
        #expect(xxHash64("abc".utf8Span.span, seed: 0) == 0x44BC_2CF5_AD77_0999)
    }

    @Test(
        "a value's row is XXH64 of its text, seeded by XXH64 of the field's name, modulo the rows",
        arguments: [
            ("user_id", "712", 16_877_539_825_761_227_546, 850, 860_925),
            ("tab", "home", 6_654_047_952_474_691_523, 814, 155_320),
            ("recent", "4542", 11_389_231_341_325_151_260, 431, 511_102),
            ("user_id", "-9223372036854775808", 16_877_539_825_761_227_546, 188, 954_865),
            ("user_id", "18446744073709551615", 16_877_539_825_761_227_546, 546, 944_619),
            ("städte", "Zürich", 14_426_174_807_522_459_351, 227, 760_725),
            ("tab", "", 6_654_047_952_474_691_523, 973, 321_437),
            ("tab", String(repeating: "A", count: 100), 6_654_047_952_474_691_523, 153, 652_977),
        ] as [(String, String, UInt64, UInt32, UInt32)]
    )
    func rows(name: String, value: String, seed: UInt64, of1000: UInt32, of1000003: UInt32) {
        let small = FeatureField(name: name, kind: .categorical(rows: 1000))
        let large = FeatureField(name: name, kind: .list(rows: 1_000_003, pooling: .mean))
        #expect(small.seed == seed)
        #expect(small.row(of: value.utf8Span.span) == of1000)
        #expect(large.row(of: value.utf8Span.span) == of1000003)
    }

    @Test("an id is XXH3-128 of its text")
    func ids() {
        #expect(EventID("a1") == EventID(high: 0xA4CC_EFC6_0D0B_91FB, low: 0xB8FD_8403_C5EC_973C))
        #expect(EventID("712") == EventID(high: 0x4E13_898E_78FC_052D, low: 0x352F_34FD_4D15_F3C3))
        #expect(EventID("").isNone == false)
        #expect(EventID.none.isNone)
    }

    @Test("the last row of a table is that of missing values")
    func missingRows() {
        #expect(FeatureField(name: "a", kind: .categorical(rows: 10)).missingRow == 10)
        #expect(FeatureField(name: "a", kind: .list(rows: 7, pooling: .sum)).missingRow == 7)
        let bucketed = FeatureField(name: "a", kind: .bucketed(boundaries: [0, 1]))
        #expect(bucketed.rows == 3)
        #expect(bucketed.missingRow == 3)
        #expect(FeatureField(name: "a", kind: .numeric(clip: 3)).rows == 0)
    }
}
