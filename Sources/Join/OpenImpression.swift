internal import Events

/// An open impression of which no more is known than that it came. One cache line.
struct OpenImpression: BitwiseCopyable, Sendable {
    var id: EventID
    var time: Int64
    /// Opening sequence number of the click window, hence of the impression.
    var sequence: Int64
    var partition: Int32
    var weight: Float
    var prediction: Prediction
    var run = WordArena.Run()
    /// In the line: where it is tracked, once it is.
    var slot = untracked

    private static var untracked: UInt32 { .max }

    var isTracked: Bool { slot != Self.untracked }
}

extension OpenImpression {
    /// One that came as this event.
    @inline(__always)
    init(_ event: Event, _ sequence: Int64, _ prediction: Prediction, _ run: WordArena.Run) {
        self.init(
            id: event.impressionID,
            time: event.time,
            sequence: sequence,
            partition: event.partition,
            weight: event.weight,
            prediction: prediction,
            run: run
        )
    }

    @inline(__always)
    func example(_ labels: Labels, at time: Int64) -> Example {
        Example(
            time: time,
            impressionTime: self.time,
            labels: labels,
            ctrWeight: weight,
            ctcvrWeight: weight,
            prediction: prediction
        )
    }
}

/// What is known of an impression's click.
enum ClickState: UInt8, BitwiseCopyable { case none, applied, late }

/// What is known of an impression's conversion. A held one is with the held events.
enum ConversionState: UInt8, BitwiseCopyable { case none, applied, late, viewThrough }

/// An open impression with all that can be known of it.
struct TrackedImpression: Linked {
    var impression: OpenImpression
    /// Of the click, `none` until there is one.
    var clickID = EventID.none
    /// Of the first conversion.
    var conversionID = EventID.none
    /// Of an applied click; starts the conversion window.
    var clickTime: Int64 = 0
    /// Of the conversion window, 0 until there is an applied click.
    var conversionSequence: Int64 = 0
    var previous: UInt32 = 0
    var next: UInt32 = 0
    var click = ClickState.none
    var conversion = ConversionState.none
    /// Labels that were trained or left out: their windows are of no more use. Both: the impression
    /// closes.
    var ctrTrained = false
    var ctcvrTrained = false
    /// A label of it was left out, so that its place is `dropped` though its windows go on.
    var isDropped = false
    /// It came out of order, so that the line does not tell when its click window ends.
    var hasClickTimer = false

    init(_ impression: OpenImpression) {
        self.impression = impression
    }

    var id: EventID { impression.id }
    var time: Int64 { impression.time }
    var partition: Int32 { impression.partition }
    var sequence: Int64 {
        get { impression.sequence }
        set { impression.sequence = newValue }
    }

    var hasUntrainedConversion: Bool { conversion == .applied && !ctcvrTrained }

    var place: Place { isDropped ? .dropped : click == .applied ? .applied : .pending }
    var isClickWindowOpen: Bool { !ctrTrained }
    var isConversionWindowOpen: Bool { click == .applied && !ctcvrTrained }

    /// Says whether no label is left to train.
    @inline(__always)
    mutating func markTrained(_ labels: Labels) -> Bool {
        if labels.ctr != nil { ctrTrained = true }
        if labels.ctcvr != nil { ctcvrTrained = true }
        return ctrTrained && ctcvrTrained
    }
}
