import Events
import Join
import Testing

@Suite("Join delays")
struct JoinDelayTests {
    @Test("every delay is in the bucket whose bounds hold it, an eighth wide at most")
    func bounds() {
        let last = DelayHistogram.bucketCount - 1
        var previous: Int64 = -1
        for bucket in 0...last {
            let bound = DelayHistogram.lowerBound(ofBucket: bucket)
            #expect(bound > previous)
            #expect(DelayHistogram.bucket(of: bound) == bucket)
            if bucket > 0 { #expect(DelayHistogram.bucket(of: bound - 1) == bucket - 1) }
            if bucket > 8 { #expect((bound - previous) * 8 <= previous) }
            previous = bound
        }
        #expect(DelayHistogram.bucket(of: .max) == last)
    }

    @Test("a click's delay counts once, within its window or too late, whether it waited or not")
    func clicks() {
        var scene = JoinerScene { $0.orphanWindow = 500 }
        scene.impression("a", at: 0)
        scene.click("a", at: 30)
        scene.click("a", at: 31)
        scene.impression("b", at: 40)
        scene.click("c", at: 45)
        scene.impression("c", at: 46)
        scene.click("b", at: 200)
        scene.click("b", at: 201)
        scene.click("d", at: 210)
        scene.impression("d", at: 100)
        scene.click("e", at: 220)
        let clicks = scene.joiner.delays.clicks
        #expect(counts(clicks.withinWindow) == [30: 1, 0: 1])
        #expect(counts(clicks.tooLate) == [160: 1, 110: 1])
        #expect(clicks.withinWindowCount == 2 && clicks.tooLateCount == 2)
    }

    @Test("a conversion's delay counts once from an applied click, further ones and others never")
    func conversions() throws {
        var scene = JoinerScene { $0.conversionWindow = 300 }
        for (name, time) in [("a", 0), ("b", 1), ("c", 2), ("d", 3)] as [(String, Int64)] {
            scene.impression(name, at: time)
        }
        scene.conversion("a", at: 10, event: "o")
        scene.click("a", at: 20)
        scene.click("b", at: 21)
        scene.click("c", at: 22)
        scene.conversion("b", at: 51)
        scene.conversion("b", at: 52, event: "again")
        scene.conversion("d", at: 200)
        try scene.restart()
        scene.conversion("c", at: 400)
        scene.conversion("c", at: 401)
        let conversions = scene.joiner.delays.conversions
        #expect(counts(conversions.withinWindow) == [0: 1, 30: 1])
        #expect(counts(conversions.tooLate) == [378: 1])
    }

    /// By a delay of the same bucket.
    private func counts(_ buckets: [Int]) -> [Int64: Int] {
        let examples: [Int64] = [0, 30, 110, 160, 378]
        var counts: [Int64: Int] = [:]
        for (bucket, count) in buckets.enumerated() where count > 0 {
            let example = examples.last { DelayHistogram.bucket(of: $0) == bucket }
            counts[example ?? -1] = count
        }
        return counts
    }
}
