import Decode
import Events
import Testing

@Suite struct EventDecodingTests {
    @Test("an impression as documented is an event")
    func impression() throws {
        let payload = """
            {"impression_id": "a1", "ts": 1650812741436,
             "features": {"user_id": 712, "tab": "home", "recent": [4542, "7177"]}, "weight": 2.5}
            """
        let batch = decode(payload, as: .impression, schema: mixedSchema)
        let record = try #require(batch.records.first)
        #expect(batch.records.count == 1)
        #expect(record.kind == .event)
        #expect(record.event.role == .impression)
        #expect(record.event.partition == 3)
        #expect(record.event.time == 1_650_812_741_436)
        #expect(record.event.impressionID == EventID("a1"))
        #expect(record.event.weight == 2.5)
        #expect(record.offset == 17)
        #expect(record.offsetCount == 1)
        #expect(record.payloadHash == xxHash3(payload.utf8Span.span))
        #expect(batch.text[record.textRange].elementsEqual("a1".utf8))
        let recent = mixedSchema.fields[2]
        #expect(
            Array(batch.words[record.featureRange]) == [
                850, 814, 2, 431, recent.row(of: "7177".utf8Span.span), Float.nan.bitPattern, 4,
            ]
        )
    }

    @Test("a click carries its impression's id and perhaps its own")
    func click() {
        let plain = decode(#"{"impression_id": "a1", "ts": 1650812742810}"#, as: .click)
        #expect(plain.records[0].kind == .event)
        #expect(plain.records[0].event.impressionID == EventID("a1"))
        #expect(plain.records[0].event.clickID.isNone)
        let named = decode(
            #"{"impression_id": "a1", "ts": 1650812742810, "click_id": "k9"}"#,
            as: .click
        )
        #expect(named.records[0].event.clickID == EventID("k9"))
        #expect(named.records[0].event.time == 1_650_812_742_810)
        #expect(named.text.isEmpty)
    }

    @Test("a conversion names its click, its impression, or both")
    func conversion() {
        let payload = """
            {"click_id": "k9", "ts": 1650812999000, "event_id": "o17", "type": "purchase", \
            "value": 12.5}
            """
        let event = decode(payload, as: .conversion).records[0].event
        #expect(event.role == .conversion)
        #expect(event.impressionID.isNone)
        #expect(event.clickID == EventID("k9"))
        #expect(event.conversionID == EventID("o17"))
        let other = decode(#"{"impression_id": 5, "ts": 1650812999000}"#, as: .conversion)
        #expect(other.records[0].kind == .event)
        #expect(other.records[0].event.impressionID == EventID("5"))
    }

    @Test("conversions of types that are not chosen are no events")
    func conversionTypes() {
        var settings = DecodeSettings()
        settings.conversionTypes = ["purchase", "7"]
        func kind(_ type: String) -> DecodedRecord.Kind {
            let payload = #"{"impression_id": "a", "ts": 1650812999000\#(type)}"#
            return decode(payload, as: .conversion, settings: settings).records[0].kind
        }
        #expect(kind(#", "type": "purchase""#) == .event)
        #expect(kind(#", "type": 7"#) == .event)
        #expect(kind(#", "type": "cart""#) == .unchosen)
        #expect(kind(#", "type": "purchases""#) == .unchosen)
        #expect(kind(#", "type": null"#) == .unchosen)
        #expect(kind("") == .unchosen)
        #expect(kind(#", "type": ["purchase"]"#) == .rejected)
    }

    @Test(
        "an integer id is its decimal text",
        arguments: [
            ("712", "712"), ("-5", "-5"), ("0", "0"), ("9007199254740993", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
        ]
    )
    func integerIDs(written: String, text: String) {
        let batch = decode(#"{"impression_id": \#(written), "ts": 1650812741436}"#, as: .impression)
        #expect(batch.records[0].event.impressionID == EventID(text))
        #expect(batch.text.elementsEqual(text.utf8))
    }

    @Test("the configured names are used, and two meanings may share a name")
    func configuredNames() {
        var settings = DecodeSettings()
        settings.impressions.id = "id\u{0}é"
        settings.impressions.time = "when"
        settings.impressions.features = "f"
        settings.impressions.weight = "age"
        let impression = decode(
            #"{"id\u0000\u00e9": "x", "when": 1650812741436, "f": {"age": 4}, "age": 3}"#,
            as: .impression,
            schema: mixedSchema,
            settings: settings
        )
        #expect(impression.records[0].kind == .event)
        #expect(impression.records[0].event.weight == 3)
        #expect(impression.words.contains(Float(4).bitPattern))

        settings.conversions.clickID = "ref"
        settings.conversions.impressionID = "ref"
        let conversion = decode(
            #"{"ref": "x", "ts": 1650812741436}"#,
            as: .conversion,
            settings: settings
        )
        #expect(conversion.records[0].event.impressionID == EventID("x"))
        #expect(conversion.records[0].event.clickID == EventID("x"))
    }

    @Test("unknown fields are ignored, numbers beyond all types among them")
    func unknownFields() {
        let payload = """
            {"x": {"impression_id": 1, "y": [[{}]]}, "big": 123456789012345678901234567890, \
            "huge": -1e999, "quote": "1e999 \\" 99999999999999999999", \
            "impression_id": "a", "ts": 1650812741436, "features": {"z": true, "tab": "home"}}
            """
        let batch = decode(payload, as: .impression, schema: mixedSchema)
        #expect(batch.rejections == [])
        #expect(batch.words[1] == 814)
    }

    @Test("of a repeated key the last value counts")
    func repeatedKeys() {
        let batch = decode(
            """
            {"impression_id": [], "ts": 1, "features": {"tab": "x"}, "impression_id": "a", \
            "ts": 1650812741436, "features": {"tab": true, "tab": "home", "recent": [1, 2], \
            "recent": [4542]}}
            """,
            as: .impression,
            schema: mixedSchema
        )
        #expect(batch.rejections == [])
        #expect(batch.words.prefix(4) == [1000, 814, 1, 431])
    }

    @Test("the batch keeps what came before, whatever comes after")
    func batches() {
        var decoder = EventDecoder(schema: mixedSchema, settings: DecodeSettings())
        var batch = EventBatch()
        let good = Array(#"{"impression_id": "a1", "ts": 1650812741436, "features": {}}"#.utf8)
        let bad = Array(
            #"{"impression_id": "a1", "ts": 1650812741436, "features": {"price": []}}"#.utf8
        )
        for payload in [good, bad, good, []] {
            decoder.decode(payload.span, from: .test(.impression), into: &batch)
        }
        #expect(batch.records.map(\.kind) == [.event, .rejected, .event, .rejected])
        #expect(batch.records.map(\.rejectionIndex) == [-1, 0, -1, 1])
        #expect(batch.records.map(\.featureRange) == [0..<6, 0..<0, 6..<12, 0..<0])
        #expect(batch.records.map(\.textRange) == [0..<2, 0..<0, 2..<4, 0..<0])
        #expect(batch.words.count == 12)
        #expect(batch.text.count == 4)
        #expect(batch.rejectedPayloads.isEmpty)
    }
}
