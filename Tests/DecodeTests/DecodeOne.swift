import Decode
import Events

/// The time of the run in these tests, milliseconds.
let now: Int64 = 1_650_900_000_000

extension RecordOrigin {
    static func test(_ role: Role, recordTime: Int64 = now) -> RecordOrigin {
        RecordOrigin(partition: 3, role: role, offset: 17, recordTime: recordTime)
    }
}

/// Decodes one record into an empty batch.
func decode(
    _ payload: [UInt8],
    as role: Role,
    schema: FeatureSchema = FeatureSchema(fields: []),
    settings: DecodeSettings = DecodeSettings(),
    recordTime: Int64 = now
) -> EventBatch {
    var decoder = EventDecoder(schema: schema, settings: settings)
    var batch = EventBatch()
    decoder.decode(payload.span, from: .test(role, recordTime: recordTime), into: &batch)
    return batch
}

func decode(
    _ payload: String,
    as role: Role,
    schema: FeatureSchema = FeatureSchema(fields: []),
    settings: DecodeSettings = DecodeSettings(),
    recordTime: Int64 = now
) -> EventBatch {
    decode(
        Array(payload.utf8),
        as: role,
        schema: schema,
        settings: settings,
        recordTime: recordTime
    )
}

/// One field of every kind.
let mixedSchema = FeatureSchema(fields: [
    FeatureField(name: "user_id", kind: .categorical(rows: 1000)),
    FeatureField(name: "tab", kind: .categorical(rows: 1000)),
    FeatureField(name: "recent", kind: .list(rows: 1000, pooling: .mean)),
    FeatureField(name: "age", kind: .numeric(clip: 5)),
    FeatureField(name: "price", kind: .bucketed(boundaries: [0, 10, 100])),
])

/// The words of an impression with these features under `mixedSchema`, nil if it is rejected.
func words(_ features: String) -> [UInt32]? {
    let batch = decode(
        #"{"impression_id": "a", "ts": 1650812741436, "features": \#(features)}"#,
        as: .impression,
        schema: mixedSchema
    )
    return batch.rejections.isEmpty ? batch.words : nil
}
