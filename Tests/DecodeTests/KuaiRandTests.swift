import Decode
import Events
import Foundation
import Source
import Testing

/// The folder of real data, from FRESHET_DATA or beside the package.
private let dataFolder: String = {
    if let folder = ProcessInfo.processInfo.environment["FRESHET_DATA"] { return folder }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../shared/data").standardizedFileURL.path
}()

private let folder = dataFolder + "/kuairand"

/// Every field of the KuaiRand impressions.
private let schema: FeatureSchema = {
    var fields: [FeatureField] = []
    let categorical =
        ["user_id", "video_id", "tab", "hour", "user_active_degree", "is_live_streamer"]
        + ["is_video_author", "follow_user_num_range", "fans_user_num_range"]
        + ["friend_user_num_range", "register_days_range", "author_id", "video_type"]
        + ["upload_type", "music_id", "music_type"] + (0..<18).map { "onehot_feat\($0)" }
    for name in categorical {
        fields.append(FeatureField(name: name, kind: .categorical(rows: 10_007)))
    }
    for name in ["hist_watch", "hist_long", "tags"] {
        fields.append(FeatureField(name: name, kind: .list(rows: 5003, pooling: .mean)))
    }
    for name in ["follow_user_num", "fans_user_num", "friend_user_num", "register_days"] {
        fields.append(FeatureField(name: name, kind: .numeric(clip: 5)))
    }
    fields.append(FeatureField(name: "duration_s", kind: .bucketed(boundaries: [5, 10, 30, 60])))
    fields.append(FeatureField(name: "freshness_days", kind: .bucketed(boundaries: [1, 7, 30])))
    return FeatureSchema(fields: fields)
}()

@Suite struct KuaiRandTests {
    @Test(
        "every record of a real week is an event",
        .enabled(
            if: FileManager.default.fileExists(atPath: folder + "/impressions.jsonl.lz4"),
            "no data in \(folder); set FRESHET_DATA"
        )
    )
    func realWeek() throws {
        var source = try FileSource(folder: folder, recordBytesMax: 1 << 20)
        var decoder = EventDecoder(schema: schema, settings: DecodeSettings())
        var batch = EventBatch()
        var counts = Array(repeating: 0, count: source.partitions.count)
        for (index, partition) in source.partitions.enumerated() {
            var previousTime = Int64.min
            while !source.isAtEnd(partition: index) {
                batch.removeAll()
                try source.fetch(partition: index) { header, _, payload in
                    decoder.decode(
                        payload,
                        from: RecordOrigin(
                            partition: Int32(index),
                            role: partition.role,
                            offset: header.offset,
                            recordTime: 1_651_400_000_000
                        ),
                        into: &batch
                    )
                }
                #expect(batch.rejections == [])
                for record in batch.records {
                    counts[index] += record.kind == .event ? 1 : 0
                    if record.event.time < previousTime { Issue.record("time goes back") }
                    previousTime = record.event.time
                }
            }
        }
        #expect(source.partitions.map(\.name) == ["impressions", "clicks", "conversions"])
        #expect(counts == [94_784, 41_503, 3_192])
        #expect(source.bytesRead == source.bytesTotal)
    }
}
