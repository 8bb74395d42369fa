public import Events
public import StateCoding
internal import Synchronization

/// Joins impressions, clicks and conversions into examples.
///
/// A pure state machine over event time: `apply` takes the events in the order of the stream,
/// `advance` tells the time when there are none. Both first close what has ended. See `JoinSink` for
/// what comes out.
///
/// Copying the value is taking its snapshot. A copy costs nothing until one of the two goes on: that one
/// takes a list of the pages of all tables then, and copies each page that it writes to.
public struct Joiner: Sendable, StateCodable {
    private var box: JoinBox

    /// Limits are at least 1 and at most `JoinSettings.limitMax`, `openImpressionsMax` at most half of
    /// that, `closedIDsMax` may be 0; windows are not negative; `guardSpan` is at least 1 and at most
    /// 2⁵⁰, `guardRatio` from 0 to below 1.
    public init(settings: JoinSettings, partitionCount: Int) {
        box = JoinBox(JoinState(settings: settings, partitionCount: partitionCount))
    }

    // MARK: The stream

    /// Applies one event, after closing what ended before it.
    ///
    /// `features` (encoded words) and `text` (the id's UTF-8 text) are those of an impression, and
    /// empty for other events.
    public mutating func apply<Sink: JoinSink & ~Copyable>(
        _ event: Event,
        features: Span<UInt32>,
        text: Span<UInt8>,
        sink: inout Sink
    ) {
        own.apply(event, features: features, text: text, sink: &sink)
    }

    /// Has the processor fetch what applying this event will look at first. Called an event or
    /// a few ahead it saves most of the wait for memory; it changes nothing, and need not be called.
    public func prefetch(_ event: Event) {
        box.prefetch(event)
    }

    /// Closes what ends before `time`, and moves stream time there unless it is later already.
    /// While there is silence (see `silence`) nothing closes.
    public mutating func advance<Sink: JoinSink & ~Copyable>(to time: Int64, sink: inout Sink) {
        own.advance(to: time, sink: &sink)
    }

    /// A quarantined record, or a range of `count`, is consumed and in its place.
    public mutating func quarantine(partition: Int32, count: Int) {
        own.ledger.enter(.quarantined, partition: partition, count: count)
    }

    /// The operator's word: what is silent is real. Windows close again, with the next event or
    /// advance, what is missing counts as negative, and the rate that is usual is learnt anew.
    ///
    /// - Returns: What was silent.
    @discardableResult
    public mutating func acceptSilence() -> JoinSilence {
        own.acceptSilence()
    }

    // MARK: Partitions

    /// Makes room for partitions that appeared since.
    public mutating func grow(toPartitionCount count: Int) {
        own.ledger.grow(toPartitionCount: count)
    }

    /// Gives partitions other indices: what was of partition i is of `indices[i]` from now on. The
    /// others, which appeared since, have no events yet.
    public mutating func renumberPartitions(_ indices: [Int]) {
        own.renumberPartitions(indices)
    }

    // MARK: Figures

    public var settings: JoinSettings { box.state.settings }
    /// The greatest event time applied or told, `Int64.min` before any.
    public var streamTime: Int64 { box.state.streamTime }
    /// Every window that ends before this has closed: stream time, unless silence holds it back.
    public var closedThrough: Int64 { box.state.closedThrough }
    /// Which place each consumed event is in.
    public var ledger: Ledger { box.state.ledger }
    /// How long clicks and conversions took.
    public var delays: JoinDelays { box.state.delays }
    /// Which events are silent now. As long as any are, no window and no hold closes.
    public var silence: JoinSilence { box.state.guards.silence }
    public var openImpressionCount: Int { box.state.impressions.open.count }
    public var heldEventCount: Int { box.state.held.count }
    public var closedIDCount: Int { box.state.impressions.closed.count }
    /// Bytes reserved by tables, timers and arenas.
    public var memoryBytes: Int { box.state.memoryBytes }

    /// Whether the features of every open impression pass a check. The join takes features as words;
    /// what they must be only their schema says, so a decoded state is to be asked this.
    public func openFeatures(allSatisfy isValid: (Span<UInt32>) -> Bool) -> Bool {
        box.state.openFeatures(allSatisfy: isValid)
    }

    // MARK: Coding

    /// Writes stream time, the books, the delays, the silence
    /// guards, then open impressions, held events and remembered ids, each in
    /// the order of opening or closing. Tables, timers and the words' places follow from these.
    public func encode(to writer: inout StateWriter) {
        box.state.encode(to: &writer)
    }

    /// Restores what `encode` wrote, under this join's settings. On an error nothing has changed.
    /// - Throws: `StateError` when the bytes are truncated or contradict themselves, or exceed the
    ///   limits of the settings.
    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        try decode(from: &reader) { $0 }
    }

    /// Likewise, with the features of every open impression replaced.
    /// - Parameter features: gives the words that take the place of an impression's; nil refuses them.
    public mutating func decode(
        from reader: inout StateReader,
        features: @escaping ([UInt32]) -> [UInt32]?
    ) throws(StateError) {
        let empty = JoinState(settings: settings, partitionCount: ledger.partitionCount)
        var decoder = JoinDecoder(state: empty, reader: reader, features: features)
        try decoder.decode()
        reader = decoder.reader
        box = JoinBox(decoder.takeState())
    }

    // MARK: Sharing

    /// The state to be changed, which no copy of this value has: the one place where that is asked.
    private var own: JoinState {
        @inline(__always) _read { yield box.state }
        @inline(__always) _modify {
            if !isKnownUniquelyReferenced(&box) { box = JoinBox(sharing: box) }
            defer { extendLifetime(box) }
            yield &box.state
        }
    }
}

/// The state that copies of a joiner share. Only the owner of the one reference to it changes it.
@safe private final class JoinBox: @unchecked Sendable {
    // Not a property of its own, which would be watched for overlapping accesses at every event.
    private let address: UnsafeMutablePointer<JoinState>
    private let sharing = Mutex(())

    init(_ state: consuming JoinState) {
        unsafe address = .allocate(capacity: 1)
        unsafe address.initialize(to: state)
    }

    /// Several values that have the other box may come to this at once. Who is left with it finds it
    /// done, for all others have let go of it since.
    convenience init(sharing other: JoinBox) {
        self.init(other.sharing.withLock { _ in other.state.shared() })
    }

    deinit {
        unsafe address.deinitialize(count: 1)
        unsafe address.deallocate()
    }

    /// In place: called through `state`, even a method that does not change it copies all of it.
    func prefetch(_ event: Event) { unsafe address.pointee.prefetch(event) }

    var state: JoinState {
        @inline(__always) _read { yield unsafe address.pointee }
        @inline(__always) _modify { yield unsafe &address.pointee }
    }
}
