import Decode
import Events
import Testing

@Suite struct RejectionTests {
    /// A bad record, why it is bad, and what its detail must say.
    struct Bad: CustomTestStringConvertible {
        var role: Role
        var payload: String
        var reason: RejectionReason
        var says: String

        init(_ role: Role, _ payload: String, _ reason: RejectionReason, _ says: String = "") {
            self.role = role
            self.payload = payload
            self.reason = reason
            self.says = says
        }

        /// An impression that is good but for `features`.
        init(features: String, _ reason: RejectionReason, _ says: String) {
            self.init(
                .impression,
                #"{"impression_id":"a","ts":1650812741436,"features":\#(features)}"#,
                reason,
                says
            )
        }

        var testDescription: String { String(payload.prefix(100)) }
    }

    static let malformed = [
        "", " ", "{", "}", "[]", "1", "\"a\"", "null", "nul", "{}{}", "{} x", "{},", "{\"a\":1,}",
        "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}",
        "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":-}", "{\"a\":tru}", "{\"a\":[1,]}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"line\nbreak\"}", "{\"a\":\"open}", "{\"a\":1e999x}",
        "{\"a\":" + String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000) + "}",
        String(repeating: "{\"a\":", count: 100_000), String(repeating: "[", count: 500_000),
        "\u{FEFF}[]", "{\"a\":\"\u{0}\"}", "\u{0}",
        // The fault lies beyond the fields that are needed.
        #"{"impression_id":"a","ts":1650812741436,"x":tru}"#,
        #"{"impression_id":"a","ts":1650812741436} {"#,
        #"{"impression_id":"a","ts":1650812741436"#,
    ].flatMap { payload in Role.allCases.map { Bad($0, payload, .malformedJSON) } }

    static let fields = [
        Bad(.impression, "{}", .missingField, "impression_id"),
        Bad(.impression, #"{"impression_id":null,"ts":1650812741436}"#, .missingField, "null"),
        Bad(.impression, #"{"impression_id":"","ts":1650812741436}"#, .missingField, "empty"),
        Bad(.impression, #"{"impression_id":"a"}"#, .missingField, "ts"),
        Bad(.impression, #"{"impression_id":"a","ts":null}"#, .missingField, "ts"),
        Bad(.impression, #"{"impression_id":1.0,"ts":1650812741436}"#, .wrongType, "64-bit"),
        Bad(.impression, #"{"impression_id":1e3,"ts":1650812741436}"#, .wrongType, "impression_id"),
        Bad(
            .impression,
            #"{"impression_id":true,"ts":1650812741436}"#,
            .wrongType,
            "true or false"
        ),
        Bad(.impression, #"{"impression_id":["a"],"ts":1650812741436}"#, .wrongType, "a list"),
        Bad(.impression, #"{"impression_id":{},"ts":1650812741436}"#, .wrongType, "an object"),
        Bad(.impression, #"{"impression_id":18446744073709551616,"ts":1}"#, .wrongType, "64-bit"),
        Bad(.impression, #"{"impression_id":-9223372036854775809,"ts":1}"#, .wrongType, "64-bit"),
        Bad(.impression, #"{"impression_id":"a","ts":1650812741436.0}"#, .wrongType, "ts"),
        Bad(.impression, #"{"impression_id":"a","ts":"1650812741436"}"#, .wrongType, "a string"),
        Bad(.impression, #"{"impression_id":"a","ts":true}"#, .wrongType, "ts"),
        Bad(.impression, #"{"impression_id":"a","ts":1e999}"#, .wrongType, "ts"),
        Bad(.impression, #"{"impression_id":"a","ts":99999999999999999999999}"#, .wrongType, "ts"),
        Bad(.click, #"{"ts":1650812741436}"#, .missingField, "impression_id"),
        Bad(
            .click,
            #"{"impression_id":"a","ts":1650812741436,"click_id":[]}"#,
            .wrongType,
            "click_id"
        ),
        Bad(
            .click,
            #"{"impression_id":"a","ts":1650812741436,"click_id":""}"#,
            .missingField,
            "click_id"
        ),
        Bad(.conversion, #"{"ts":1650812741436}"#, .missingField, "click_id"),
        Bad(.conversion, #"{"ts":1650812741436,"impression_id":null}"#, .missingField, "click_id"),
        Bad(
            .conversion,
            #"{"click_id":"k","ts":1650812741436,"event_id":0.5}"#,
            .wrongType,
            "event_id"
        ),
    ]

    static let features = [
        Bad(features: "[]", .wrongType, "features: a list"),
        Bad(features: "\"x\"", .wrongType, "features: a string"),
        Bad(features: #"{"tab":1.5}"#, .wrongType, "features.tab: a number"),
        Bad(features: #"{"tab":false}"#, .wrongType, "features.tab"),
        Bad(features: #"{"tab":{}}"#, .wrongType, "features.tab: an object"),
        Bad(features: #"{"tab":["home"]}"#, .wrongType, "features.tab: a list"),
        Bad(features: #"{"recent":"x"}"#, .wrongType, "features.recent: a string"),
        Bad(features: #"{"recent":5}"#, .wrongType, "expected a list"),
        Bad(features: #"{"recent":{}}"#, .wrongType, "features.recent"),
        Bad(features: #"{"recent":[1,null]}"#, .wrongType, "features.recent[1]: null"),
        Bad(features: #"{"recent":["a",[1]]}"#, .wrongType, "features.recent[1]: a list"),
        Bad(features: #"{"recent":[0.5]}"#, .wrongType, "features.recent[0]"),
        Bad(features: #"{"recent":[true]}"#, .wrongType, "features.recent[0]"),
        Bad(features: #"{"age":"4"}"#, .wrongType, "features.age: a string"),
        Bad(features: #"{"age":[4]}"#, .wrongType, "features.age"),
        Bad(features: #"{"age":1e400}"#, .nonFinite, "features.age"),
        Bad(features: #"{"age":-1e39}"#, .nonFinite, "features.age"),
        Bad(features: #"{"age":3.4028235e38}"#, .nonFinite, "features.age"),
        Bad(
            features: "{\"age\":1\(String(repeating: "0", count: 400))}",
            .nonFinite,
            "features.age"
        ),
        Bad(features: #"{"price":true}"#, .wrongType, "features.price"),
        Bad(features: #"{"price":9e308}"#, .nonFinite, "features.price"),
        Bad(features: #"{},"weight":"1""#, .wrongType, "weight: a string"),
        Bad(features: #"{},"weight":-0.1"#, .wrongType, "a negative number"),
        Bad(features: #"{},"weight":-1e999"#, .nonFinite, "weight"),
        Bad(features: #"{},"weight":1e39"#, .nonFinite, "weight"),
    ]

    @Test("a bad record is rejected for its reason", arguments: malformed + fields + features)
    func rejected(bad: Bad) {
        let batch = decode(bad.payload, as: bad.role, schema: mixedSchema)
        #expect(batch.records.count == 1)
        #expect(batch.records[0].kind == .rejected)
        #expect(batch.records[0].rejectionIndex == 0)
        #expect(batch.rejections.first?.reason == bad.reason)
        #expect(batch.rejections.first?.detail.contains(bad.says) == true, "\(batch.rejections)")
        #expect(batch.rejections.first?.detail.isEmpty == false)
        #expect(batch.words.isEmpty && batch.text.isEmpty)
    }

    @Test(
        "bytes that are not UTF-8 are malformed, wherever they stand",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3]]
            as [[UInt8]]
    )
    func invalidUTF8(bytes: [UInt8]) {
        for field in ["impression_id", "unknown"] {
            let head = #"{"\#(field)":"a"#
            let payload = Array(head.utf8) + bytes + Array(#"","ts":1650812741436}"#.utf8)
            #expect(decode(payload, as: .click).rejections.first?.reason == .malformedJSON)
        }
    }

    @Test("no id or feature value is shown")
    func values() {
        for bad in Self.fields + Self.features {
            let payload = bad.payload.replacing("\"a\"", with: "\"secret\"")
            let detail = decode(payload, as: bad.role, schema: mixedSchema).rejections[0].detail
            #expect(!detail.contains("secret"))
            #expect(!detail.contains("home"))
        }
    }

    @Test("a record beyond the limit is rejected unread")
    func tooLarge() {
        var settings = DecodeSettings()
        settings.recordBytesMax = 40
        settings.keepsRejectedPayloads = true
        let payload = #"{"impression_id":"a","ts":1650812741436}"#
        #expect(payload.utf8.count == 40)
        #expect(decode(payload, as: .click, settings: settings).rejections.isEmpty)
        let batch = decode(payload + " ", as: .click, settings: settings)
        #expect(batch.rejections.first?.reason == .recordTooLarge)
        #expect(batch.rejections.first?.detail == "41 bytes, expected at most 40")
        #expect(batch.rejectedPayloads == [[]])
    }

    @Test("records without payload are rejected, a corrupt batch with all its offsets")
    func unreadable() {
        var decoder = EventDecoder(schema: mixedSchema, settings: DecodeSettings())
        var batch = EventBatch()
        decoder.reject(.null, from: .test(.click), into: &batch)
        decoder.reject(
            .corrupt,
            from: RecordOrigin(
                partition: 1,
                role: .click,
                offset: 100,
                offsetCount: 12,
                recordTime: now
            ),
            into: &batch
        )
        decoder.reject(.tooLarge(byteCount: 5_000_000), from: .test(.click), into: &batch)
        #expect(batch.rejections.map(\.reason) == [.nullPayload, .corruptBatch, .recordTooLarge])
        #expect(batch.records.map(\.offsetCount) == [1, 12, 1])
        #expect(batch.records.map(\.rejectionIndex) == [0, 1, 2])
        #expect(batch.records[1].offset == 100)
    }

    @Test("rejected payloads are kept on demand, one per rejection")
    func keptPayloads() {
        var settings = DecodeSettings()
        settings.keepsRejectedPayloads = true
        var decoder = EventDecoder(schema: mixedSchema, settings: settings)
        var batch = EventBatch()
        decoder.decode(Array("{]".utf8).span, from: .test(.click), into: &batch)
        decoder.reject(.null, from: .test(.click), into: &batch)
        decoder.decode(
            Array(#"{"impression_id":"a","ts":1650812741436}"#.utf8).span,
            from: .test(.click),
            into: &batch
        )
        #expect(batch.rejectedPayloads == [Array("{]".utf8), []])
        #expect(batch.records[0].payloadHash == xxHash3("{]".utf8Span.span))
    }
}
