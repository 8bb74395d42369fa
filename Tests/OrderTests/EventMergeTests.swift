import Events
import Order
import Testing

/// A deterministic generator (SplitMix64), so that a failure can be repeated from its seed.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private func event(_ role: Role, _ time: Int64, offset: Int64) -> DecodedRecord {
    DecodedRecord(
        kind: .event,
        event: Event(role: role, time: time, impressionID: EventID("x")),
        offset: offset
    )
}

private func rejected(_ role: Role, offset: Int64) -> DecodedRecord {
    var record = event(role, .max, offset: offset)
    record.kind = .rejected
    return record
}

/// Where a record came from and which it is.
private struct Taken: Equatable {
    var lane: Int
    var offset: Int64
}

/// Merges all lanes, each refilled in pieces of the given sizes.
private func merge(_ lanes: [[DecodedRecord]], pieces: () -> Int) -> [Taken] {
    var merge = EventMerge(
        carriedTimes: Array(repeating: .min, count: lanes.count),
        orderingDelay: 0
    )
    var fetched = Array(repeating: 0, count: lanes.count)
    var taken: [Taken] = []
    while true {
        switch merge.select(clock: nil, isAtEnd: { fetched[$0] == lanes[$0].count }) {
        case .take(let lane):
            taken.append(Taken(lane: lane, offset: merge.take(lane: lane).offset))
        case .fetch(let lane):
            let end = min(fetched[lane] + pieces(), lanes[lane].count)
            merge.refill(lane: lane) { batch in
                batch.records.append(contentsOf: lanes[lane][fetched[lane]..<end])
            }
            fetched[lane] = end
        case .hold:
            Issue.record("a replay never holds")
        case .end:
            return taken
        }
    }
}

@Suite struct EventMergeTests {
    @Test("equal times come impressions first, then clicks, then conversions, then by partition")
    func ties() {
        let lanes = [
            [event(.impression, 5, offset: 0)], [event(.impression, 5, offset: 0)],
            [event(.click, 5, offset: 0)], [event(.conversion, 5, offset: 0)],
        ]
        #expect(merge(lanes, pieces: { 1 }).map(\.lane) == [0, 1, 2, 3])
    }

    @Test("within a partition the offset's order stands even where times go back")
    func offsetsKeepTheirOrder() {
        let lanes = [
            [event(.impression, 9, offset: 0), event(.impression, 1, offset: 1)],
            [event(.click, 5, offset: 0), event(.click, 10, offset: 1)],
        ]
        #expect(
            merge(lanes, pieces: { 2 }) == [
                Taken(lane: 1, offset: 0), Taken(lane: 0, offset: 0), Taken(lane: 0, offset: 1),
                Taken(lane: 1, offset: 1),
            ]
        )
    }

    @Test("a rejected record takes the time of the accepted one before it")
    func rejectedRecords() {
        let lanes = [
            [
                rejected(.impression, offset: 0), event(.impression, 10, offset: 1),
                rejected(.impression, offset: 2), event(.impression, 20, offset: 3),
            ],
            [event(.click, 5, offset: 0), event(.click, 15, offset: 1)],
        ]
        let order = merge(lanes, pieces: { 3 }).map { "\($0.lane)@\($0.offset)" }
        #expect(order == ["0@0", "1@0", "0@1", "0@2", "1@1", "0@3"])
    }

    @Test("the sizes of fetches change nothing", arguments: 0..<200 as Range<UInt64>)
    func fetchSizes(seed: UInt64) {
        var random = SplitMix64(state: seed)
        let roles: [Role] = [.impression, .impression, .click, .conversion]
        let lanes = roles.map { role in
            var time: Int64 = 0
            return (0..<Int.random(in: 0...30, using: &random)).map { offset in
                time += Int64.random(in: -2...5, using: &random)
                return Int.random(in: 0..<8, using: &random) == 0
                    ? rejected(role, offset: Int64(offset))
                    : event(role, time, offset: Int64(offset))
            }
        }
        let whole = merge(lanes, pieces: { .max / 2 })
        #expect(whole.count == lanes.reduce(0) { $0 + $1.count }, "seed \(seed)")
        #expect(merge(lanes, pieces: { 1 }) == whole, "seed \(seed)")
        #expect(
            merge(lanes, pieces: { Int.random(in: 1...7, using: &random) }) == whole,
            "seed \(seed)"
        )
    }

    @Test("live, a caught-up partition holds the merge until the clock has passed by the delay")
    func holdBack() {
        var merge = EventMerge(carriedTimes: [.min, .min], orderingDelay: 2_000)
        merge.refill(lane: 0) { $0.records.append(event(.impression, 10_000, offset: 0)) }
        #expect(merge.select(clock: 11_999, isAtEnd: { _ in true }) == .hold)
        #expect(merge.select(clock: 12_000, isAtEnd: { _ in true }) == .take(lane: 0))
        #expect(merge.select(clock: 99_999, isAtEnd: { $0 == 0 }) == .fetch(lane: 1))
        merge.refill(lane: 1) { $0.records.append(event(.click, 9_000, offset: 0)) }
        #expect(merge.select(clock: 0, isAtEnd: { _ in true }) == .take(lane: 1))
    }
}

@Suite struct StreamOrderTests {
    private func key(_ time: Int64, _ role: Role = .impression) -> StreamOrder.Key {
        .init(time: time, role: role, partition: 0)
    }

    @Test("what sorts before something applied, or before an advance, is disordered")
    func disordered() {
        var order = StreamOrder()
        order.apply(key(10))
        order.apply(key(10))
        order.apply(key(10, .click))
        #expect(order.disordered == 0)
        order.apply(key(10))
        #expect(order.disordered == 1)
        order.advance(to: 20)
        order.apply(key(20))
        #expect(order.disordered == 1)
        order.apply(key(19))
        #expect(order.disordered == 2)
    }
}
