/// The best that a model can do on a generated stream: its planted probabilities, scored against
/// what was drawn from them.
public struct Oracle: Sendable {
    /// The impressions before the shift, or all of them when there is none.
    public private(set) var beforeShift = OracleScore()
    public private(set) var afterShift = OracleScore()
    public private(set) var newAdImpressions = 0
    public private(set) var newAdClicks = 0

    public init() {}

    /// Takes an impression into account; other events and repeated impressions tell it nothing.
    public mutating func add(_ event: GeneratedEvent) {
        guard let planted = event.planted else { return }
        if event.isNewAd {
            newAdImpressions += 1
            newAdClicks += planted.isClicked ? 1 : 0
        }
        if planted.isShifted { afterShift.add(planted) } else { beforeShift.add(planted) }
    }

    public var all: OracleScore {
        var sum = beforeShift
        sum.add(afterShift)
        return sum
    }
}

/// Planted probabilities and outcomes of some impressions, scored per task.
public struct OracleScore: Sendable {
    private var click = TaskScore()
    /// On clicked impressions.
    private var conversion = TaskScore()
    private var clickAndConversion = TaskScore()

    public init() {}

    public mutating func add(_ planted: PlantedOutcome) {
        let probability = planted.probability
        click.add(probability.ctr, happened: planted.isClicked)
        clickAndConversion.add(probability.ctcvr, happened: planted.isConverted)
        if planted.isClicked { conversion.add(probability.cvr, happened: planted.isConverted) }
    }

    public mutating func add(_ other: OracleScore) {
        click.add(other.click)
        conversion.add(other.conversion)
        clickAndConversion.add(other.clickAndConversion)
    }

    public var ctr: PlantedFigures { click.figures }
    public var cvr: PlantedFigures { conversion.figures }
    public var ctcvr: PlantedFigures { clickAndConversion.figures }
}
