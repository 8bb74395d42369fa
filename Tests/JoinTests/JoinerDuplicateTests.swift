import Events
import Join
import Testing

@Suite("Joiner: duplicates, repeats and late events")
struct JoinerDuplicateTests {
    @Test("a further impression of an open or remembered id is a duplicate and changes nothing")
    func impressions() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.impression("a", at: 50)
        #expect(scene.takeCalls() == ["arrive a@0"])
        scene.advance(to: 101)
        #expect(scene.takeCalls().last == "train a@100 ctr=0 ctcvr=0")
        scene.impression("a", at: 200)
        #expect(scene.takeCalls() == [])
        #expect(scene.places(.impression) == [.applied: 1, .duplicate: 2])
    }

    @Test("a further click is a duplicate whether the first is held, applied or late")
    func clicks() {
        var scene = JoinerScene()
        scene.click("a", at: 0)
        scene.click("a", at: 1)
        #expect(scene.places(.click) == [.pending: 1, .duplicate: 1])
        scene.impression("a", at: 2)
        scene.click("a", at: 3)
        #expect(scene.places(.click) == [.applied: 1, .duplicate: 2])
        scene.impression("b", at: 3)
        scene.click("b", at: 200)
        scene.click("b", at: 200)
        #expect(scene.places(.click) == [.applied: 1, .duplicate: 3, .late: 1])
    }

    @Test("a further click after the windows is a duplicate, not late")
    func duplicateBeforeLate() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 10)
        scene.advance(to: 500)
        #expect(scene.joiner.openImpressionCount == 0)
        scene.click("a", at: 500)
        #expect(scene.places(.click) == [.applied: 1, .duplicate: 1])
    }

    @Test("a conversion after a closed conversion window is late, a further one is not")
    func lateConversion() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 10, id: "k")
        scene.conversion(click: "k", at: 300, event: "o1")
        #expect(scene.places(.conversion) == [.late: 1])
        scene.conversion("a", at: 300, event: "o1")
        scene.conversion("a", at: 300)
        scene.conversion(click: "k", at: 300, event: "o2")
        #expect(scene.places(.conversion) == [.late: 1, .duplicate: 2, .repeat: 1])
    }

    @Test(
        "a further conversion is a duplicate with the first one's event id or none, else a repeat",
        arguments: [
            ("o1", "o1", Place.duplicate), ("o1", nil, .duplicate), ("o1", "o2", .repeat),
            (nil, nil, .duplicate), (nil, "o1", .repeat),
        ] as [(String?, String?, Place)]
    )
    func furtherConversions(first: String?, second: String?, place: Place) {
        for isHeld in [false, true] {
            var scene = JoinerScene()
            scene.impression("a", at: 0)
            if !isHeld { scene.click("a", at: 10) }
            scene.conversion("a", at: 20, event: first)
            scene.conversion("a", at: 21, event: second)
            #expect(scene.places(.conversion) == [isHeld ? .pending : .applied: 1, place: 1])
            // Still so when the impression has closed.
            scene.click("a", at: 22)
            scene.advance(to: 1000)
            scene.conversion("a", at: 1000, event: second)
            #expect(scene.places(.conversion) == [.applied: 1, place: 2])
        }
    }

    @Test("a repeat is counted, not trained")
    func repeatIsNotTrained() {
        var scene = JoinerScene()
        scene.impression("a", at: 0)
        scene.click("a", at: 10)
        scene.conversion("a", at: 20, event: "o1")
        _ = scene.takeCalls()
        scene.conversion("a", at: 21, event: "o2")
        #expect(scene.takeCalls() == [])
    }
}
