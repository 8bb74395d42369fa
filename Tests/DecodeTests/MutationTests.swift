import Decode
import Events
import Testing

@Suite struct MutationTests {
    static let valid: [(Role, String)] = [
        (
            .impression,
            """
            {"impression_id":"a1","ts":1650812741436,"features":{"user_id":712,"tab":"h\\u00f6me",\
            "recent":[4542,"7177",18446744073709551615],"age":-12.5e1,"price":99999999999999999999,\
            "other":{"deep":[[1,2],{"x":null}]}},"weight":1}
            """
        ),
        (.click, #"{"impression_id":"a1","ts":1650812742810,"click_id":"k9"}"#),
        (
            .conversion,
            #"{"click_id":"k9","ts":1650812999000,"event_id":17,"type":"purchase","value":1e400}"#
        ),
    ]

    @Test("100,000 mutated records give one record each", arguments: [UInt64(1), 2])
    func mutations(seed: UInt64) {
        var generator = Seeded(state: seed)
        var decoder = EventDecoder(schema: mixedSchema, settings: DecodeSettings())
        var batch = EventBatch()
        var kinds: [DecodedRecord.Kind: Int] = [:]
        let interesting = Array(#"{}[]",:\-+.eE0123456789tfn"#.utf8) + [0, 0x80, 0xC3, 0xFF]
        for round in 0..<50_000 {
            let (role, text) = Self.valid[round % 3]
            var payload = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutate(&payload, interesting, &generator)
            }
            batch.removeAll()
            decoder.decode(payload.span, from: .test(role), into: &batch)
            guard batch.records.count == 1 else {
                Issue.record("seed \(seed), round \(round): \(batch.records.count) records")
                return
            }
            kinds[batch.records[0].kind, default: 0] += 1
            if batch.records[0].kind == .rejected {
                #expect(batch.words.isEmpty && batch.text.isEmpty && batch.rejections.count == 1)
            } else {
                #expect(batch.rejections.isEmpty, "seed \(seed), round \(round)")
            }
        }
        // The mutations are neither all harmless nor all fatal.
        #expect(kinds[.event, default: 0] > 1000)
        #expect(kinds[.rejected, default: 0] > 1000)
    }

    private func mutate(
        _ bytes: inout [UInt8],
        _ interesting: [UInt8],
        _ generator: inout Seeded
    ) {
        guard let index = bytes.indices.randomElement(using: &generator) else { return }
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = interesting.randomElement(using: &generator) ?? 0
        case 2: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.removeSubrange(index...)
        default:
            let end = min(index + Int.random(in: 1...20, using: &generator), bytes.count)
            bytes.insert(contentsOf: bytes[index..<end], at: index)
        }
    }
}
