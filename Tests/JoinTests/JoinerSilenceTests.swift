import Events
import Join
import Testing

@Suite("Joiner: silence")
struct JoinerSilenceTests {
    @Test("silence is noticed a span after it began, and says since when and how much")
    func noticed() throws {
        var stream = GuardedScene()
        stream.go(to: 400)
        stream.go(to: 440, clicks: false)
        #expect(!stream.scene.joiner.silence.isSilent)
        stream.go(to: 441, clicks: false)
        let silence = try #require(stream.scene.joiner.silence.clicks)
        #expect(silence == Silence(since: 440, rate: 0, trailingRate: 1))
        #expect(stream.scene.joiner.silence.conversions == nil)
        try stream.scene.restart()
        #expect(stream.scene.joiner.silence.clicks == silence)
    }

    @Test("without a guard the silent impressions become negatives")
    func off() {
        var stream = GuardedScene { $0.guardRatio = 0 }
        stream.losesClicks()
        stream.go(to: 800)
        #expect(!stream.scene.joiner.silence.isSilent)
        #expect(stream.trained(false, in: 400..<600) == 200)
    }

    @Test("while silent nothing closes, no hold ends, no id is forgotten, but time goes on")
    func held() {
        var stream = GuardedScene { $0.closedMemory = 150 }
        stream.go(to: 400)
        stream.scene.click("unknown", at: 400)
        stream.go(to: 441, clicks: false)
        _ = stream.scene.takeCalls()
        stream.go(to: 700, clicks: false)
        #expect(stream.scene.takeCalls().allSatisfy { $0.hasPrefix("arrive") })
        #expect(stream.scene.joiner.streamTime == 699)
        #expect(stream.scene.joiner.closedThrough == 440)
        #expect(stream.scene.places(.click)[.orphaned] == nil)
        let before = stream.scene.places(.impression)
        stream.scene.impression("i200", at: 700)  // closed at 300, remembered until 450
        #expect(stream.scene.places(.impression)[.duplicate] == 1)
        #expect(stream.scene.places(.impression)[.applied] == before[.applied])
    }

    @Test("when clicks were lost, the impressions of their time are dropped untrained")
    func lost() throws {
        var stream = GuardedScene()
        stream.losesClicks()
        #expect(stream.scene.joiner.silence.isSilent)
        stream.go(to: 621)
        #expect(!stream.scene.joiner.silence.isSilent)
        try stream.scene.restart()
        stream.go(to: 900)
        #expect(stream.trained(false, in: 0..<900) == 0)
        #expect(stream.trained(true, in: 0..<400) == 400)
        #expect(stream.trained(true, in: 400..<600) == 0)
        #expect(stream.trained(true, in: 600..<790) == 190)
        #expect(stream.scene.places(.impression)[.dropped] == 200)
        // They are remembered: what comes after all is late.
        stream.scene.click("i599", at: 900)
        #expect(stream.scene.places(.click)[.late] == 1)
    }

    @Test("the few clicks of a time whose clicks were lost do not train either")
    func survivors() {
        var stream = GuardedScene { $0.ctcvrTiming = .settled }
        stream.go(to: 400)
        stream.go(to: 500, clicks: false)
        stream.scene.click("i450", at: 500)
        stream.scene.click("i451", at: 500)
        stream.go(to: 600, clicks: false)
        stream.scene.conversion("i450", at: 600)
        stream.go(to: 1000)
        #expect(stream.scene.sink.examples.allSatisfy { !(400..<600).contains($0.impressionTime) })
        #expect(stream.scene.places(.impression)[.dropped] == 200)
        #expect(stream.scene.places(.conversion) == [.applied: 1])
    }

    @Test("when a backlog comes, in whatever order, nothing is lost and nothing late")
    func backlog() {
        var stream = GuardedScene()
        stream.go(to: 400)
        var missing = stream.go(to: 600, clicks: false)
        var random = SplitMix64(seed: 3)
        missing.shuffle(using: &random)
        // A third of it at a time, so that the rate seems to be back before all are here.
        for part in 0..<3 {
            for time in missing[part * 67..<min(part * 67 + 67, 200)] {
                stream.scene.click("i\(time)", at: time)
            }
            stream.go(to: 610 + Int64(part) * 10)
            #expect(stream.scene.joiner.silence.isSilent)
        }
        stream.go(to: 900)
        #expect(!stream.scene.joiner.silence.isSilent)
        #expect(stream.scene.places(.click) == [.applied: 900])
        #expect(stream.trained(true, in: 0..<790) == 790)
        #expect(stream.trained(false, in: 0..<900) == 0)
    }

    @Test(
        "a click that is early enough joins a window that only silence keeps open, a later one not"
    )
    func overdue() {
        var stream = GuardedScene()
        stream.go(to: 400)
        stream.go(to: 600, clicks: false)
        stream.scene.click("i450", at: 550)
        #expect(stream.scene.places(.click) == [.applied: 401])
        stream.scene.click("i451", at: 552)
        #expect(stream.scene.places(.click) == [.applied: 401, .late: 1])
        stream.scene.click("i451", at: 460)
        #expect(stream.scene.places(.click) == [.applied: 401, .late: 1, .duplicate: 1])
    }

    @Test("the operator's word makes what was silent real")
    func accepted() {
        var stream = GuardedScene()
        stream.go(to: 400)
        stream.go(to: 600, clicks: false)
        #expect(stream.scene.joiner.acceptSilence().clicks?.since == 440)
        #expect(!stream.scene.joiner.silence.isSilent)
        stream.go(to: 900, clicks: false)
        #expect(!stream.scene.joiner.silence.isSilent)
        #expect(stream.trained(false, in: 400..<790) == 390)
        #expect(stream.scene.places(.impression)[.dropped] == nil)
        #expect(stream.scene.joiner.acceptSilence() == JoinSilence())
    }

    @Test("lost conversions leave CTCVR untrained, clicked or not, and CTR as it is")
    func conversions() {
        var stream = GuardedScene {
            $0.conversionWindow = 60
            $0.clickWindow = 60
        }
        for time in Int64(0)..<900 {
            stream.scene.impression("i\(time)", at: time)
            if time % 2 == 0 { stream.scene.click("i\(time)", at: time) }
            let isLost = (400..<600).contains(time)
            if time % 4 == 0 && !isLost { stream.scene.conversion("i\(time)", at: time) }
            if (450..<600).contains(time) {
                #expect(stream.scene.joiner.silence.conversions?.since == 440)
                #expect(stream.scene.joiner.silence.clicks == nil)
            }
        }
        let examples = stream.scene.sink.examples.filter { (400..<600).contains($0.impressionTime) }
        #expect(examples.count == 200)
        #expect(examples.count { $0.labels.ctr == true } == 100)
        #expect(examples.allSatisfy { $0.labels.ctcvr == nil })
        #expect(stream.scene.places(.impression)[.dropped] == 200)
        let after = stream.scene.sink.examples.filter { (600..<800).contains($0.impressionTime) }
        #expect(after.count { $0.labels.ctcvr == true } == 50)
        #expect(after.count { $0.labels.ctcvr == false } == 150)
    }

    @Test("limits drop the oldest in a silence, too")
    func limits() {
        var stream = GuardedScene { $0.openImpressionsMax = 150 }
        stream.go(to: 400)
        stream.go(to: 700, clicks: false)
        #expect(stream.scene.joiner.openImpressionCount == 150)
        #expect(stream.trained(false, in: 0..<700) == 0)
    }

    @Test("neither a rate that halves, nor a pause, nor few events are silence")
    func noSilence() {
        var stream = GuardedScene()
        stream.go(to: 400)
        for time in Int64(400)..<800 {
            stream.scene.impression("i\(time)", at: time)
            if time % 2 == 0 { stream.scene.click("i\(time)", at: time) }
            #expect(!stream.scene.joiner.silence.isSilent)
        }
        stream.scene.advance(to: 5000)
        #expect(!stream.scene.joiner.silence.isSilent)
        for time in stride(from: Int64(5000), to: 6000, by: 20) {
            stream.scene.impression("i\(time)", at: time)
            #expect(!stream.scene.joiner.silence.isSilent)
        }
    }
}
