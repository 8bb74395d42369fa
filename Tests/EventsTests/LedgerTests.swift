import Events
import Testing

@Suite struct LedgerTests {
    @Test("events that enter and move keep the books balanced")
    func balanced() {
        var ledger = Ledger(partitionCount: 1)
        ledger.grow(toPartitionCount: 2)
        ledger.enter(.pending, partition: 1)
        ledger.enter(.quarantined, partition: 1, count: 5)
        ledger.move(from: .pending, to: .applied, partition: 1)
        #expect(ledger.isBalanced)
        #expect(ledger.consumed == [0, 6])
        #expect(ledger.count(.applied, partition: 1) == 1)
        #expect(ledger.count(.pending, partition: 1) == 0)
        #expect(ledger.count(.quarantined, partition: 1) == 5)
    }

    @Test("restored books that do not add up are not balanced")
    func unbalanced() {
        var ledger = Ledger(partitionCount: 1)
        var counts = Array(repeating: 0, count: Place.allCases.count)
        counts[Place.late.rawValue] = 3
        ledger.restore(partition: 0, consumed: 3, counts: counts)
        #expect(ledger.isBalanced)
        ledger.restore(partition: 0, consumed: 4, counts: counts)
        #expect(!ledger.isBalanced)
    }

    @Test("places, roles and reasons have the names that users see")
    func names() {
        let places =
            "applied duplicate repeat late view_through orphaned dropped quarantined pending"
        #expect(Place.allCases.map(\.name) == places.split(separator: " ").map(String.init))
        #expect(Role.allCases.map(\.plural) == ["impressions", "clicks", "conversions"])
        #expect(RejectionReason.timeTooFarAhead.rawValue == "time_too_far_ahead")
    }
}
