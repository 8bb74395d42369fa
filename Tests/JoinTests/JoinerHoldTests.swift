import Events
import Join
import Testing

@Suite("Joiner: held events")
struct JoinerHoldTests {
    @Test("a held click joins when its impression comes")
    func heldClick() {
        var scene = JoinerScene()
        scene.click("a", at: 100)
        #expect(scene.places(.click) == [.pending: 1])
        scene.impression("a", at: 120)
        #expect(scene.places(.click) == [.applied: 1])
        #expect(scene.places(.impression) == [.applied: 1])
        #expect(scene.takeCalls() == ["arrive a@120", "score a@120 ctr=1"])
        scene.conversion("a", at: 320)  // the click counts as of 120
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("a held click after the click window of a disordered impression is late")
    func heldClickLate() {
        var scene = JoinerScene { $0.orphanWindow = 500 }
        scene.click("a", at: 300, id: "k")
        scene.impression("a", at: 199)
        #expect(scene.places(.click) == [.late: 1])
        #expect(scene.places(.impression) == [.pending: 1])
        // Its click id stays known, and a further click is a duplicate.
        scene.click("a", at: 299, id: "k2")
        #expect(scene.places(.click) == [.late: 1, .duplicate: 1])
        scene.conversion(click: "k", at: 300)
        #expect(scene.places(.conversion) == [.viewThrough: 1])
        #expect(scene.takeCalls().last == "train a@300 ctr=0 ctcvr=0")
    }

    @Test("a click and a conversion that both waited join, click before conversion")
    func bothHeld() {
        var scene = JoinerScene { $0.ctrTiming = .known }
        scene.conversion(click: "k", at: 90)
        scene.click("a", at: 100, id: "k")
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.impression("a", at: 110)
        #expect(
            scene.takeCalls() == [
                "arrive a@110", "score a@110 ctr=1", "train a@110 ctr=1", "score a@110 ctcvr=1",
                "train a@110 ctcvr=1",
            ]
        )
        #expect(scene.places(.conversion) == [.applied: 1])
        #expect(scene.joiner.heldEventCount == 0)
    }

    @Test("a conversion of an open impression waits for the click")
    func conversionBeforeClick() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.conversion("a", at: 10)
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.click("a", at: 20)
        #expect(scene.places(.conversion) == [.applied: 1])
        #expect(scene.joiner.heldEventCount == 0)
    }

    @Test("a conversion by click id waits for a click of any impression")
    func conversionByClickID() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.conversion(click: "k", at: 10, event: "o1")
        scene.conversion(click: "k", at: 11, event: "o1")
        scene.conversion(click: "k", at: 12, event: "o2")
        #expect(scene.places(.conversion) == [.pending: 1, .duplicate: 1, .repeat: 1])
        scene.click("a", at: 20, id: "k")
        #expect(scene.places(.conversion) == [.applied: 1, .duplicate: 1, .repeat: 1])
    }

    @Test("an applied click makes its click id known")
    func appliedClickID() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 20, id: "k")
        scene.conversion(click: "k", at: 30)
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("the impression id wins over the click id")
    func impressionIDWins() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.impression("b", at: 0)
        scene.click("a", at: 20, id: "k")
        scene.conversion("b", click: "k", at: 30)
        #expect(scene.places(.conversion) == [.pending: 1])
        scene.click("b", at: 40)
        #expect(scene.places(.conversion) == [.applied: 1])
        #expect(scene.takeCalls().suffix(2) == ["score b@40 ctcvr=1", "train b@40 ctcvr=1"])
    }

    @Test("a duplicate click does not make its click id known")
    func duplicateClickID() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 20, id: "k")
        scene.click("a", at: 21, id: "other")
        scene.conversion(click: "other", at: 30)
        #expect(scene.places(.conversion) == [.pending: 1])
    }

    @Test("an orphaned click's id is unknown again")
    func orphanedClickID() {
        var scene = JoinerScene()
        scene.click("x", at: 0, id: "k")
        scene.advance(to: 51)
        #expect(scene.places(.click) == [.orphaned: 1])
        scene.impression("a", at: 60)
        scene.conversion(click: "k", at: 70)
        scene.click("a", at: 80, id: "k")
        #expect(scene.places(.conversion) == [.applied: 1])
    }

    @Test("a click id stays with the first impression that bore it")
    func sharedClickID() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.impression("b", at: 0)
        scene.click("a", at: 10, id: "k")
        scene.click("b", at: 10, id: "k")
        scene.conversion(click: "k", at: 20)
        #expect(scene.takeCalls().last == "train a@20 ctcvr=1")
        scene.conversion("b", at: 30)
        #expect(scene.places(.conversion) == [.applied: 2])
    }

    @Test("of two conversions that waited for one click the earlier opened joins")
    func twoHeldConversions() {
        for (first, second) in [("impression", "click"), ("click", "impression")] {
            var scene = JoinerScene()
            scene.impression("a", at: 0)
            for (index, way) in [first, second].enumerated() {
                scene.conversion(
                    way == "impression" ? "a" : nil,
                    click: way == "click" ? "k" : nil,
                    at: 10 + Int64(index),
                    event: "o\(index)"
                )
            }
            #expect(scene.places(.conversion) == [.pending: 2])
            scene.click("a", at: 20, id: "k")
            #expect(scene.places(.conversion) == [.applied: 1, .repeat: 1])
            scene.conversion("a", at: 21, event: "o0")
            #expect(scene.places(.conversion) == [.applied: 1, .repeat: 1, .duplicate: 1])
        }
    }

    @Test("a held click brings two held conversions together")
    func twoHeldConversionsOfHeldClick() {
        var scene = JoinerScene()
        scene.conversion(click: "k", at: 1, event: "o1")
        scene.conversion("a", at: 2)
        scene.click("a", at: 3, id: "k")
        #expect(scene.places(.conversion) == [.pending: 1, .duplicate: 1])
        #expect(scene.joiner.heldEventCount == 2)
        // What stayed keeps its own hold.
        scene.advance(to: 52)
        #expect(scene.places(.conversion) == [.orphaned: 1, .duplicate: 1])
        #expect(scene.places(.click) == [.pending: 1])
    }

    @Test("a held conversion that is past the conversion window is late, and the label a zero")
    func heldConversionLate() {
        var scene = JoinerScene {
            $0.conversionWindow = 10
            $0.orphanWindow = 500
        }
        scene.impression("a", at: 0)
        scene.conversion("a", at: 80, event: "o1")
        scene.click("a", at: 20)  // disordered; its conversion window ends at 30
        #expect(scene.places(.conversion) == [.late: 1])
        scene.conversion("a", at: 80)
        #expect(scene.places(.conversion) == [.late: 1, .duplicate: 1])
        scene.advance(to: 1000)
        #expect(
            scene.takeCalls().dropFirst() == [
                "score a@80 ctr=1", "score a@80 ctcvr=0", "train a@80 ctcvr=0",
                "train a@100 ctr=1",
            ]
        )
    }

    @Test("when an impression closes without a click, its conversions are view-through")
    func viewThrough() {
        var scene = JoinerScene { $0.orphanWindow = 500 }
        scene.impression("a", at: 0)
        scene.impression("b", at: 0)
        scene.conversion("a", at: 90, event: "o1")
        scene.advance(to: 101)
        #expect(scene.places(.conversion) == [.viewThrough: 1])
        scene.conversion("b", at: 120)
        #expect(scene.places(.conversion) == [.viewThrough: 2])
        scene.conversion("a", at: 120, event: "o1")
        scene.conversion("a", at: 120, event: "o2")
        #expect(scene.places(.conversion) == [.viewThrough: 2, .duplicate: 1, .repeat: 1])
        #expect(scene.places(.impression) == [.applied: 2])
    }

    @Test("a late click makes its id known: what waited for it is view-through")
    func viewThroughByLateClick() {
        var scene = JoinerScene { $0.orphanWindow = 500 }
        scene.impression("a", at: 0)
        scene.conversion(click: "k", at: 120)
        scene.click("a", at: 130, id: "k")
        #expect(scene.places(.click) == [.late: 1])
        #expect(scene.places(.conversion) == [.viewThrough: 1])
        scene.conversion(click: "k", at: 140)
        #expect(scene.places(.conversion) == [.viewThrough: 1, .duplicate: 1])
    }

    @Test("a late click after a view-through conversion makes a waiting one a further one")
    func furtherByLateClick() {
        var scene = JoinerScene { $0.orphanWindow = 500 }
        scene.impression("a", at: 0)
        scene.conversion("a", at: 110, event: "o1")
        scene.conversion(click: "k", at: 120, event: "o2")
        scene.click("a", at: 130, id: "k")
        #expect(scene.places(.conversion) == [.viewThrough: 1, .repeat: 1])
    }

    @Test("a conversion of an unknown impression is orphaned after its hold")
    func orphanedConversions() {
        var scene = JoinerScene()
        scene.conversion("a", at: 0, event: "o1")
        scene.conversion(click: "k", at: 0)
        scene.advance(to: 51)
        #expect(scene.places(.conversion) == [.orphaned: 2])
        // Forgotten with its event id: the same again is held anew.
        scene.conversion("a", at: 60, event: "o1")
        #expect(scene.places(.conversion) == [.orphaned: 2, .pending: 1])
    }
}
