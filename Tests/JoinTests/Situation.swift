/// The rules' branches, as `ReferenceJoiner` meets them.
enum Situation: CaseIterable {
    // Impressions.
    case impressionAgainOpen, impressionAgainClosed
    case impressionDropped, clickedImpressionDropped
    case heldClickJoined
    /// The impression closes before the next event: its window ended before the click's time.
    case heldClickLate

    // Clicks.
    case clickAgainApplied, clickAgainHeld, clickAgainClosed
    case clickLate, clickBeforeImpression, clickOrphaned, heldClickDropped
    /// The click id is known for another impression.
    case clickIDTaken
    /// A late click tells whose a conversion is that was held under its click id.
    case lateClickReleasesViewThrough, lateClickReleasesFurther
    /// So does a held one; the impression may have a held conversion already.
    case heldConversionNamed, heldConversionsMeet

    // Conversions.
    case conversionByClickID, conversionBeforeClick
    case conversionAgainHeld, conversionAgainApplied, conversionAgainLate, conversionAgainClosed
    /// The first conversion has no event id, the further one has.
    case repeatOfNameless
    case conversionHeldForOpen
    case heldConversionJoined, heldConversionsJoin, heldConversionLate
    /// The conversion window has ended, the impression waits for its click window.
    case conversionLateForOpen
    case conversionLateForClosed
    case viewThroughAtClose, viewThroughAfterClose, viewThroughOfLateClick
    case negativeDespiteLateConversion
    case conversionOrphaned, heldConversionDropped

    // Silence.
    case silenceNoticed, backlogAwaited, silenceWasDelay, silenceWasLoss
    /// The click window ended in a silence, before the click or after it.
    case clickLateForOverdue, clickForOverdue
    /// What trains when it is known waits for the end of the silence.
    case clickWaitedForZeros, conversionWaitsForZeros
    case zeroLeftOut, clickedLeftOut, trainedWithoutCTCVR

    // Time and memory.
    case disorder, windowEndedBeforeStreamTime
    case closedByConversion, closedForgottenByTime, closedForgottenByCount
}
