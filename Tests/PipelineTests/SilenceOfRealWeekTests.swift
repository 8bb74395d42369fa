import Decode
import Events
import Foundation
import Join
import Source
import TestSupport
import Testing

@Suite("Silence in a real week")
struct SilenceOfRealWeekTests {
    @Test(
        "no hour of it is taken for silence",
        .enabled(
            if: RealData.hasKuaiRand,
            "no data in \(RealData.kuairand); set FRESHET_DATA"
        ),
        arguments: [5, 10, 30] as [Int64]
    )
    func kuaiRand(spanMinutes: Int64) throws {
        var joiner = Joiner(
            settings: JoinSettings(
                clickWindow: 600_000,
                conversionWindow: 3_600_000,
                orphanWindow: 60_000,
                closedMemory: 3_600_000,
                guardSpan: spanMinutes * 60_000,
                guardRatio: 0.2
            ),
            partitionCount: 3
        )
        var sink = CountingSink()
        for event in try events() {
            let (features, text): ([UInt32], [UInt8]) = ([], [])
            joiner.apply(event, features: features.span, text: text.span, sink: &sink)
            try #require(!joiner.silence.isSilent, "at \(joiner.streamTime): \(joiner.silence)")
        }
        joiner.advance(to: joiner.streamTime + 7_200_000, sink: &sink)
        #expect(joiner.ledger.isBalanced)
        #expect(joiner.ledger.consumed == [94_784, 41_503, 3_192])
        #expect(joiner.openImpressionCount == 0)
        #expect(sink.trained == 94_784)
    }

    /// In the order of the stream.
    private func events() throws -> [Event] {
        var source = try FileSource(folder: RealData.kuairand, recordBytesMax: 1 << 20)
        var decoder = EventDecoder(
            schema: FeatureSchema(fields: [
                FeatureField(name: "tab", kind: .categorical(rows: 100))
            ]),
            settings: DecodeSettings()
        )
        var batch = EventBatch()
        var events: [Event] = []
        for (index, partition) in source.partitions.enumerated() {
            while !source.isAtEnd(partition: index) {
                batch.removeAll()
                try source.fetch(partition: index) { header, _, payload in
                    let origin = RecordOrigin(
                        partition: Int32(index),
                        role: partition.role,
                        offset: header.offset,
                        recordTime: 1_651_400_000_000
                    )
                    decoder.decode(payload, from: origin, into: &batch)
                }
                events += batch.records.lazy.filter { $0.kind == .event }.map(\.event)
            }
        }
        let order = events.indices.sorted {
            (events[$0].time, events[$0].role.rawValue, $0)
                < (events[$1].time, events[$1].role.rawValue, $1)
        }
        return order.map { events[$0] }
    }
}

private struct CountingSink: JoinSink {
    /// Examples with a CTR label.
    var trained = 0

    mutating func arrive(_: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        Prediction(ctrLogit: 0, cvrLogit: 0)
    }

    mutating func score(_: Example) {}

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        if example.labels.ctr != nil { trained += 1 }
    }
}
