import Decode
import Events
import Testing

@Suite("An impression to be scored")
struct ImpressionReaderTests {
    @Test(
        "has the words and the id that training sees",
        arguments: [
            #"{"impression_id": "a", "ts": 1650812741436, "features": {"user_id": 712, "recent": [1, "b"]}}"#,
            #"{"ts": 1650812741436, "features": {"tab": "home", "age": 3.5, "price": 12}, "impression_id": -7}"#,
            #"{"impression_id": "\u0041\"ü", "ts": 1650812741436, "features": null, "weight": 2}"#,
            #"{"impression_id": 18446744073709551615, "ts": 1650812741436}"#,
        ]
    )
    func sameAsTraining(record: String) throws {
        let batch = decode(record, as: .impression, schema: mixedSchema)
        try #require(batch.rejections.isEmpty)
        var reader = ImpressionReader(schema: mixedSchema, settings: DecodeSettings())
        var words: [UInt32] = [1, 2, 3]
        let id = try reader.read(Array(record.utf8).span, into: &words)
        #expect(words == [1, 2, 3] + batch.words)
        #expect(Array(id.utf8) == batch.text)
    }

    @Test("needs no time and no weight, whatever stands there")
    func noTime() throws {
        var reader = ImpressionReader(schema: mixedSchema, settings: DecodeSettings())
        var words: [UInt32] = []
        for record in [
            #"{"impression_id": "a"}"#, #"{"impression_id": "a", "ts": "soon", "weight": -1}"#,
            #"{"impression_id": "a", "ts": null, "weight": "heavy"}"#,
        ] {
            words.removeAll()
            #expect(try reader.read(Array(record.utf8).span, into: &words) == "a")
            #expect(words == FeatureDecodingTests.missing)
        }
    }

    @Test(
        "is rejected for the reason that training would give",
        arguments: [
            #"{"impression_id": "a", "ts": 1650812741436, "features": {"tab": 1.5}}"#,
            #"{"impression_id": "a", "ts": 1650812741436, "features": {"recent": [1, [2]]}}"#,
            #"{"impression_id": "a", "ts": 1650812741436, "features": {"user_id": 3, "age": 1e300}}"#,
            #"{"impression_id": "a", "ts": 1650812741436, "features": [1]}"#,
            #"{"impression_id": "", "ts": 1650812741436}"#, #"{"ts": 1650812741436}"#,
            #"{"impression_id": [1], "ts": 1650812741436}"#, #"{"impression_id": "a""#, "[1]", "",
        ]
    )
    func rejections(record: String) throws {
        let batch = decode(record, as: .impression, schema: mixedSchema)
        let expected = try #require(batch.rejections.first)
        var reader = ImpressionReader(schema: mixedSchema, settings: DecodeSettings())
        var words: [UInt32] = [9]
        var text: [UInt8] = [8]
        do throws(Rejection) {
            try reader.read(Array(record.utf8).span, into: &words, idInto: &text)
            Issue.record("\(record) was taken")
        } catch { #expect(error == expected) }
        #expect(words == [9])
        #expect(text == [8])
    }

    @Test("is refused beyond the longest record, and goes by the configured keys")
    func settings() throws {
        var settings = DecodeSettings()
        settings.recordBytesMax = 40
        settings.impressions.id = "served"
        settings.impressions.features = "f"
        var reader = ImpressionReader(schema: mixedSchema, settings: settings)
        var words: [UInt32] = []
        let id = try reader.read(
            Array(#"{"served": 5, "f": {"user_id": 712}}"#.utf8).span,
            into: &words
        )
        #expect(id == "5")
        #expect(words[0] == 850)
        let error = #expect(throws: Rejection.self) {
            let long = Array(#"{"served": 5, "f": {"user_id": 712}}     "#.utf8)
            _ = try reader.read(long.span, into: &words)
        }
        #expect(error?.reason == .recordTooLarge)
        #expect(words.count == FeatureDecodingTests.missing.count)
    }

    private func served(_ object: String) throws(Rejection) -> ServedPrediction? {
        var reader = ServedPredictionReader()
        let record = #"{"served": \#(object), "features": {"ctr": 1, "model": 7}, "id": "a"}"#
        return try reader.read(Array(record.utf8).span)
    }

    @Test("may carry what serving answered")
    func served() throws {
        #expect(
            try served(#"{"model": "0000000003-ab", "ctr": 0.25, "cvr": 0, "ctcvr": {"a": 1}}"#)
                == ServedPrediction(model: "0000000003-ab", ctr: 0.25, cvr: 0)
        )
        #expect(try served(#"{"cvr": 1e-7, "ctr": 1, "model": "\u0041"}"#)?.model == "A")
        #expect(try served("null") == nil)
        var reader = ServedPredictionReader()
        #expect(try reader.read(Array(#"{"impression_id": 1}"#.utf8).span) == nil)
    }

    @Test(
        "with a wrong or partial answer names its field",
        arguments: [
            ("[1]", "served"), ("{}", "served.model"), (#"{"model": 3}"#, "served.model"),
            (#"{"model": "m", "cvr": 0.5}"#, "served.ctr"),
            (#"{"model": "m", "ctr": 0.5, "cvr": "x"}"#, "served.cvr"),
            (#"{"model": "m", "ctr": 1.5, "cvr": 0.5}"#, "served.ctr"),
            (#"{"model": "m", "ctr": 0.5, "cvr": -0.5}"#, "served.cvr"),
        ]
    )
    func wrongAnswers(object: String, field: String) {
        let error = #expect(throws: Rejection.self) { _ = try served(object) }
        #expect(error?.detail.hasPrefix("\(field): ") == true, "\(error?.detail ?? "")")
    }
}
