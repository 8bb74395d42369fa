import Events
import Join
import Testing

@Suite("Joiner: label timing")
struct JoinerTimingTests {
    /// Calls after the arrival for a click at 30 and a conversion at 50 where given, all windows closed.
    func calls(
        _ ctr: LabelTiming,
        _ ctcvr: LabelTiming,
        click: Bool,
        conversion: Bool,
        conversionWindow: Int64 = 200
    ) -> [String] {
        var scene = JoinerScene {
            $0.ctrTiming = ctr
            $0.ctcvrTiming = ctcvr
            $0.conversionWindow = conversionWindow
        }
        scene.impression("a", at: 10)
        if click { scene.click("a", at: 30) }
        if conversion { scene.conversion("a", at: 50) }
        scene.advance(to: 10_000)
        #expect(scene.joiner.openImpressionCount == 0)
        #expect(scene.places(.impression) == [.applied: 1])
        return Array(scene.takeCalls().dropFirst())
    }

    @Test(
        "without a click both zeros train when the click window ends",
        arguments: LabelTiming.allCases,
        LabelTiming.allCases
    )
    func noClick(ctr: LabelTiming, ctcvr: LabelTiming) {
        #expect(
            calls(ctr, ctcvr, click: false, conversion: false) == [
                "score a@110 ctr=0 ctcvr=0", "train a@110 ctr=0 ctcvr=0",
            ]
        )
    }

    @Test("a click trains at once if known, with the click window if settled")
    func clickAlone() {
        for ctcvr in LabelTiming.allCases {
            #expect(
                calls(.known, ctcvr, click: true, conversion: false) == [
                    "score a@30 ctr=1", "train a@30 ctr=1",
                    "score a@230 ctcvr=0", "train a@230 ctcvr=0",
                ]
            )
            #expect(
                calls(.settled, ctcvr, click: true, conversion: false) == [
                    "score a@30 ctr=1", "train a@110 ctr=1",
                    "score a@230 ctcvr=0", "train a@230 ctcvr=0",
                ]
            )
        }
    }

    @Test("a conversion trains at once if known, with the conversion window if settled")
    func clickAndConversion() {
        #expect(
            calls(.known, .known, click: true, conversion: true) == [
                "score a@30 ctr=1", "train a@30 ctr=1", "score a@50 ctcvr=1",
                "train a@50 ctcvr=1",
            ]
        )
        #expect(
            calls(.known, .settled, click: true, conversion: true) == [
                "score a@30 ctr=1", "train a@30 ctr=1", "score a@50 ctcvr=1",
                "train a@230 ctcvr=1",
            ]
        )
        #expect(
            calls(.settled, .known, click: true, conversion: true) == [
                "score a@30 ctr=1", "score a@50 ctcvr=1", "train a@50 ctcvr=1",
                "train a@110 ctr=1",
            ]
        )
        #expect(
            calls(.settled, .settled, click: true, conversion: true) == [
                "score a@30 ctr=1", "score a@50 ctcvr=1", "train a@110 ctr=1",
                "train a@230 ctcvr=1",
            ]
        )
    }

    @Test("a conversion window that ends first waits for nothing, the click label does")
    func shortConversionWindow() {
        #expect(
            calls(.settled, .settled, click: true, conversion: true, conversionWindow: 25) == [
                "score a@30 ctr=1", "score a@50 ctcvr=1", "train a@55 ctcvr=1",
                "train a@110 ctr=1",
            ]
        )
        #expect(
            calls(.settled, .known, click: true, conversion: false, conversionWindow: 25) == [
                "score a@30 ctr=1", "score a@55 ctcvr=0", "train a@55 ctcvr=0",
                "train a@110 ctr=1",
            ]
        )
    }

    @Test("an impression closes when its last label has trained, not when its windows end")
    func closesEarly() {
        var scene = JoinerScene { $0.ctrTiming = .known }
        scene.impression("a", at: 10)
        scene.click("a", at: 30)
        #expect(scene.joiner.openImpressionCount == 1)
        scene.conversion("a", at: 50)
        #expect(scene.joiner.openImpressionCount == 0)
        #expect(scene.joiner.closedIDCount == 1)
        scene.click("a", at: 60)
        scene.impression("a", at: 60)
        #expect(scene.places(.click) == [.applied: 1, .duplicate: 1])
        #expect(scene.places(.impression) == [.applied: 1, .duplicate: 1])
    }

    @Test(
        "a conversion after its window is late although the impression waits for its click window"
    )
    func lateWhileOpen() {
        var scene = JoinerScene { $0.conversionWindow = 25 }
        scene.impression("a", at: 10)
        scene.click("a", at: 30)
        scene.conversion("a", at: 56, event: "o1")
        #expect(scene.places(.conversion) == [.late: 1])
        #expect(scene.joiner.openImpressionCount == 1)
        scene.conversion("a", at: 57, event: "o1")
        scene.conversion("a", at: 57, event: "o2")
        #expect(scene.places(.conversion) == [.late: 1, .duplicate: 1, .repeat: 1])
        scene.advance(to: 1000)
        #expect(Array(scene.takeCalls().suffix(2)) == ["train a@55 ctcvr=0", "train a@110 ctr=1"])
    }
}
