import Events
import Join

/// A scene whose guard counts over 40, in buckets of 10: an impression at every moment, all clicked
/// at once unless the clicks are silent.
struct GuardedScene {
    var scene: JoinerScene
    private(set) var now: Int64 = 0

    init(_ change: (inout JoinSettings) -> Void = { _ in }) {
        scene = JoinerScene {
            $0.guardSpan = 40
            $0.guardRatio = 0.2
            $0.guardEvidence = 3
            change(&$0)
        }
    }

    /// Goes on to `end`. What the clicks would have been is returned when they do not come.
    @discardableResult
    mutating func go(to end: Int64, clicks: Bool = true) -> [Int64] {
        var missing: [Int64] = []
        while now < end {
            scene.impression("i\(now)", at: now)
            if clicks { scene.click("i\(now)", at: now) } else { missing.append(now) }
            now += 1
        }
        return missing
    }

    /// Clicks that were silent from 400 to 600; they are noticed at 440, back at 620.
    mutating func losesClicks() {
        go(to: 400)
        go(to: 600, clicks: false)
        go(to: 620)
    }

    func trained(_ ctr: Bool, in times: Range<Int64>) -> Int {
        scene.sink.examples.count { $0.labels.ctr == ctr && times.contains($0.impressionTime) }
    }
}
