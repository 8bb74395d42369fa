import Events
import Join
import Testing

@Suite("Joiner: windows")
struct JoinerWindowTests {
    @Test("a click at the last instant of the click window is joined")
    func clickAtTheEnd() {
        var scene = JoinerScene()
        scene.impression("a", at: 10)
        scene.click("a", at: 110)
        #expect(scene.places(.click) == [.applied: 1])
        #expect(scene.places(.impression) == [.applied: 1])
        #expect(scene.takeCalls() == ["arrive a@10", "score a@110 ctr=1"])
        scene.advance(to: 111)
        #expect(scene.takeCalls() == ["train a@110 ctr=1"])
    }

    @Test("a click after the click window is late and the impression a negative")
    func clickAfterTheEnd() {
        var scene = JoinerScene()
        scene.impression("a", at: 10)
        scene.click("a", at: 111)
        #expect(scene.places(.click) == [.late: 1])
        #expect(
            scene.takeCalls() == [
                "arrive a@10", "score a@110 ctr=0 ctcvr=0", "train a@110 ctr=0 ctcvr=0",
            ]
        )
        #expect(scene.joiner.openImpressionCount == 0)
        #expect(scene.joiner.closedIDCount == 1)
    }

    @Test("a conversion at the last instant of the conversion window counts, later it is late")
    func conversionWindow() {
        for (time, place) in [(Int64(260), Place.applied), (261, .late)] {
            var scene = JoinerScene()
            scene.impression("a", at: 10)
            scene.click("a", at: 60)
            scene.conversion("a", at: time)
            #expect(scene.places(.conversion) == [place: 1])
            let outcome =
                place == .applied
                ? ["score a@260 ctcvr=1", "train a@260 ctcvr=1"]
                : ["score a@260 ctcvr=0", "train a@260 ctcvr=0"]
            #expect(Array(scene.takeCalls().suffix(2)) == outcome)
        }
    }

    @Test("the conversion window starts at the click, not at the impression")
    func conversionWindowStart() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 100)
        scene.conversion("a", at: 300)
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("a hold ends after its last instant")
    func holdEnd() {
        for (time, places) in [
            (Int64(150), [Place.applied: 1]), (151, [Place.orphaned: 1]),
        ] {
            var scene = JoinerScene()
            scene.click("a", at: 100)
            scene.impression("a", at: time)
            #expect(scene.places(.click) == places)
        }
    }

    @Test("advance closes what ends before its time, not at it")
    func advance() {
        var scene = JoinerScene()
        scene.impression("a", at: 10)
        scene.advance(to: 110)
        #expect(scene.joiner.openImpressionCount == 1)
        #expect(scene.joiner.streamTime == 110)
        scene.advance(to: 111)
        #expect(scene.joiner.openImpressionCount == 0)
        scene.advance(to: 50)
        #expect(scene.joiner.streamTime == 111)
        #expect(scene.joiner.closedThrough == 111)
    }

    @Test("windows close in the order of their ends, then of opening")
    func closingOrder() {
        var scene = JoinerScene()
        scene.impression("b", at: 20)
        scene.impression("c", at: 10)  // disordered: ends first
        scene.impression("a", at: 20)  // ends with b, opened after it
        _ = scene.takeCalls()
        scene.advance(to: 1000)
        #expect(
            scene.takeCalls() == [
                "score c@110 ctr=0 ctcvr=0", "train c@110 ctr=0 ctcvr=0",
                "score b@120 ctr=0 ctcvr=0", "train b@120 ctr=0 ctcvr=0",
                "score a@120 ctr=0 ctcvr=0", "train a@120 ctr=0 ctcvr=0",
            ]
        )
    }

    @Test("click windows, conversion windows and holds close in one order")
    func kindsInterleave() {
        var scene = JoinerScene { $0.conversionWindow = 30 }
        scene.impression("a", at: 0)
        scene.click("a", at: 40)  // conversion window ends at 70, click window at 100
        scene.impression("b", at: 45)  // ends at 145
        scene.click("x", at: 46)  // hold ends at 96
        _ = scene.takeCalls()
        scene.advance(to: 97)
        #expect(scene.takeCalls() == ["score a@70 ctcvr=0", "train a@70 ctcvr=0"])
        #expect(scene.places(.click) == [.applied: 1, .orphaned: 1])
        scene.advance(to: 1000)
        #expect(
            scene.takeCalls() == [
                "train a@100 ctr=1", "score b@145 ctr=0 ctcvr=0", "train b@145 ctr=0 ctcvr=0",
            ]
        )
    }

    @Test("a window that disorder opens behind stream time trains at stream time")
    func openedBehind() {
        var scene = JoinerScene()
        scene.advance(to: 500)
        scene.impression("a", at: 10)
        #expect(scene.takeCalls() == ["arrive a@10"])
        scene.click("b", at: 20)
        #expect(
            scene.takeCalls() == ["score a@500 ctr=0 ctcvr=0", "train a@500 ctr=0 ctcvr=0"]
        )
        #expect(scene.joiner.streamTime == 500)
    }

    @Test("a disordered event before stream time closes nothing that ends at stream time")
    func disorderedEvent() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.advance(to: 100)
        scene.impression("b", at: 30)
        scene.click("a", at: 90)
        #expect(scene.places(.click) == [.applied: 1])
        #expect(scene.takeCalls().last == "score a@100 ctr=1")
    }

    @Test("an event before the one it refers to counts as simultaneous")
    func simultaneous() {
        var scene = JoinerScene { $0.ctcvrTiming = .settled }
        scene.impression("a", at: 100)
        scene.click("a", at: 80)  // click time is 100
        scene.conversion("a", at: 70)  // conversion time is 100
        #expect(scene.places(.click) == [.applied: 1])
        #expect(scene.places(.conversion) == [.applied: 1])
        _ = scene.takeCalls()
        scene.advance(to: 1000)
        #expect(scene.takeCalls() == ["train a@200 ctr=1", "train a@300 ctcvr=1"])
    }

    @Test("windows near the end of time neither overflow nor close")
    func endOfTime() {
        var scene = JoinerScene()
        scene.impression("a", at: .max - 1)
        scene.click("a", at: .max)
        scene.advance(to: .max)
        #expect(scene.joiner.openImpressionCount == 1)
        scene.impression("b", at: .min)
        scene.conversion("a", at: .max)
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("an example carries the impression's time, weight and the arrival's prediction")
    func exampleContents() {
        var scene = JoinerScene()
        scene.impression("z", at: 5)
        scene.impression("a", at: 10, weight: 2.5)
        scene.click("a", at: 20)
        scene.advance(to: 1000)
        let example = scene.sink.examples.first { $0.labels.ctr == true }
        #expect(
            example
                == Example(
                    time: 110,
                    impressionTime: 10,
                    labels: Labels(ctr: true, ctcvr: nil),
                    ctrWeight: 2.5,
                    ctcvrWeight: 2.5,
                    prediction: Prediction(ctrLogit: 1, cvrLogit: -1)
                )
        )
    }
}
