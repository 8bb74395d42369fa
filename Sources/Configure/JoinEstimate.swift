internal import Events
public import Join

/// What a configured join holds at a steady rate, limits applied.
public struct JoinEstimate: Equatable, Sendable {
    /// What it holds once the longest window has passed.
    public var load: JoinLoad
    /// What it holds of impressions of this shape when every limit is reached, and as many windows in
    /// each queue no longer matter as do.
    public var loadMax: JoinLoad
    /// What it would hold without limits.
    public var unlimitedOpenImpressions: Double
    public var unlimitedClosedIDs: Double
    /// Impressions are dropped untrained at this rate.
    public var dropsImpressions: Bool
    /// Ids are forgotten before `closed_memory` has passed.
    public var forgetsEarly: Bool

    /// - Parameter stream: rate above 0, CTR 0 to 1, lengths not negative; all finite.
    public init(_ configuration: Configuration, stream: ResourceEstimate.Stream) {
        let (rate, ctr) = (stream.rate, stream.ctr)
        precondition(rate > 0 && rate.isFinite && (0...1) ~= ctr)
        precondition(stream.listLength >= 0 && stream.idTextBytes >= 0)
        let settings = configuration.join
        let clickWindow = Double(settings.clickWindow) / 1_000
        let conversionWindow = Double(settings.conversionWindow) / 1_000
        let closedMemory = Double(settings.closedMemory) / 1_000

        // With settled clicks an impression stays until its click window ends, at least.
        let clickedFor =
            settings.ctrTiming == .settled
            ? max(clickWindow, conversionWindow) : conversionWindow
        unlimitedOpenImpressions = rate * ((1 - ctr) * clickWindow + ctr * clickedFor)
        unlimitedClosedIDs = rate * closedMemory
        let openMax = Double(settings.openImpressionsMax)
        let open = min(unlimitedOpenImpressions, openMax)
        dropsImpressions = unlimitedOpenImpressions > openMax + 1

        // What is dropped was opened first: clicked ones that wait for conversions, then any.
        let recent = min(rate * clickWindow, open)
        let clickedMax = settings.ctrTiming == .settled ? ctr * recent + (open - recent) : open
        let clicked = min(rate * ctr * clickedFor, clickedMax)
        // Dropped impressions are not remembered.
        let dropsAll = dropsImpressions && rate * clickWindow > openMax
        let closingRate = dropsAll ? 0 : dropsImpressions ? rate * (1 - ctr) : rate
        let closed = min(closingRate * closedMemory, Double(settings.closedIDsMax))
        forgetsEarly = closingRate * closedMemory > Double(settings.closedIDsMax) + 1
        let closedClicked = dropsImpressions ? 0 : ctr * closed

        var load = JoinLoad(shape: configuration.schema, stream)
        load.openImpressions = Int(open.rounded(.up))
        load.openClicked = Int(clicked.rounded(.up))
        load.placesInLine = Int(
            min(rate * clickWindow, dropsImpressions ? open : 2 * open).rounded(.up)
        )
        load.conversionWindows = Int(min(rate * ctr * conversionWindow, open).rounded(.up))
        load.closedIDs = Int(closed.rounded(.up))
        load.closedClicked = Int(closedClicked.rounded(.up))
        load.knownClicks = load.openClicked + load.closedClicked
        self.load = load

        var most = JoinLoad(shape: configuration.schema, stream)
        most.openImpressions = settings.openImpressionsMax
        most.openClicked = settings.openImpressionsMax
        most.heldEvents = settings.heldEventsMax
        most.closedIDs = settings.closedIDsMax
        most.closedClicked = settings.closedIDsMax
        most.knownClicks =
            settings.openImpressionsMax + settings.closedIDsMax + settings.heldEventsMax
        // Queues hold at most as many windows that no longer matter as such that do.
        most.placesInLine = settings.openImpressionsMax * 2
        most.conversionWindows = settings.openImpressionsMax * 2
        most.disorderedWindows = settings.openImpressionsMax * 2
        loadMax = most
    }
}

extension JoinLoad {
    fileprivate init(shape schema: FeatureSchema, _ stream: ResourceEstimate.Stream) {
        self.init()
        for field in schema.fields {
            featureWords += 1
            if case .list = field.kind {
                featureWords += stream.listLength
                featureWordsVary = true
            }
        }
        idTextBytes = stream.idTextBytes
    }
}
