import Events
import Join
import StateCoding
import Testing

/// Logs what the joiner asks for, one line per call: "train a@110 ctr=0 ctcvr=0".
struct SceneSink: JoinSink {
    var calls: [String] = []
    var examples: [Example] = []
    var names: [EventID: String] = [:]
    private var arrived: [String] = []

    mutating func arrive(
        _ impression: Event,
        features: inout MutableSpan<UInt32>
    ) -> Prediction {
        let name = names[impression.impressionID] ?? "?"
        for index in features.indices { features[index] += 1000 }
        calls.append("arrive \(name)@\(impression.time)")
        arrived.append(name)
        return Prediction(ctrLogit: Float(arrived.count - 1), cvrLogit: -1)
    }

    mutating func score(_ example: Example) {
        let name = arrived[Int(example.prediction.ctrLogit)]
        calls.append(line("score", name, example))
    }

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        var bytes: [UInt8] = []
        for index in text.indices { bytes.append(text[index]) }
        var words: [UInt32] = []
        for index in features.indices { words.append(features[index]) }
        let name = String(decoding: bytes, as: UTF8.self)
        #expect(name == arrived[Int(example.prediction.ctrLogit)])
        #expect(words == JoinerScene.features(of: name).map { $0 + 1000 })
        examples.append(example)
        calls.append(line("train", name, example))
    }

    private func line(_ verb: String, _ name: String, _ example: Example) -> String {
        var line = "\(verb) \(name)@\(example.time)"
        if let label = example.labels.ctr { line += " ctr=\(label ? 1 : 0)" }
        if let label = example.labels.ctcvr { line += " ctcvr=\(label ? 1 : 0)" }
        return line
    }
}

/// A joiner with short windows, driven by named events; the law is checked after each.
/// Impressions are of partition 0, clicks of 1, conversions of 2.
struct JoinerScene {
    var joiner: Joiner
    var sink = SceneSink()
    private var consumed = 0

    /// Click window 100, conversion window 200, orphan window 50, memory 1000.
    init(_ change: (inout JoinSettings) -> Void = { _ in }) {
        var settings = JoinSettings(
            clickWindow: 100,
            conversionWindow: 200,
            orphanWindow: 50,
            closedMemory: 1000
        )
        change(&settings)
        joiner = Joiner(settings: settings, partitionCount: 3)
    }

    /// Some words that follow from the name, of a number that differs from name to name.
    static func features(of name: String) -> [UInt32] {
        let seed = UInt32(truncatingIfNeeded: EventID(name).low)
        return (0..<seed % 29).map { seed >> 8 &+ $0 &* 7 & 0xFFFF }
    }

    /// Calls logged since the last look.
    mutating func takeCalls() -> [String] {
        defer { sink.calls = [] }
        return sink.calls
    }

    mutating func impression(_ name: String, at time: Int64, weight: Float = 1) {
        let id = EventID(name)
        sink.names[id] = name
        apply(
            Event(
                role: .impression,
                partition: 0,
                time: time,
                impressionID: id,
                weight: weight
            ),
            features: Self.features(of: name),
            text: Array(name.utf8)
        )
    }

    mutating func click(_ name: String, at time: Int64, id clickID: String? = nil) {
        apply(
            Event(
                role: .click,
                partition: 1,
                time: time,
                impressionID: EventID(name),
                clickID: clickID.map { EventID($0) } ?? .none
            )
        )
    }

    mutating func conversion(
        _ name: String? = nil,
        click clickID: String? = nil,
        at time: Int64,
        event eventID: String? = nil
    ) {
        apply(
            Event(
                role: .conversion,
                partition: 2,
                time: time,
                impressionID: name.map { EventID($0) } ?? .none,
                clickID: clickID.map { EventID($0) } ?? .none,
                conversionID: eventID.map { EventID($0) } ?? .none
            )
        )
    }

    mutating func advance(to time: Int64) {
        joiner.advance(to: time, sink: &sink)
        checkLaw()
    }

    private mutating func apply(_ event: Event, features: [UInt32] = [], text: [UInt8] = []) {
        joiner.apply(event, features: features.span, text: text.span, sink: &sink)
        consumed += 1
        checkLaw()
    }

    private func checkLaw() {
        let ledger = joiner.ledger
        let held = (1...2).map { ledger.count(.pending, partition: $0) }
        #expect(ledger.isBalanced)
        #expect(
            ledger.consumed.reduce(0, +) == consumed
                && ledger.counts.allSatisfy { $0.allSatisfy { $0 >= 0 } }
                && ledger.count(.pending, partition: 0) <= joiner.openImpressionCount
                && held.reduce(0, +) == joiner.heldEventCount
        )
    }

    /// The places in which events of a role are, without the empty ones.
    func places(_ role: Role) -> [Place: Int] {
        var places: [Place: Int] = [:]
        for place in Place.allCases {
            let count = joiner.ledger.count(place, partition: Int(role.rawValue))
            if count > 0 { places[place] = count }
        }
        return places
    }

    /// The canonical bytes of the joiner's state.
    var encoded: [UInt8] {
        var writer = StateWriter()
        joiner.encode(to: &writer)
        return writer.bytes
    }

    /// Replaces the joiner by one decoded from its own bytes.
    mutating func restart() throws {
        let bytes = encoded
        var restarted = Joiner(settings: joiner.settings, partitionCount: 3)
        var reader = StateReader(bytes)
        try restarted.decode(from: &reader)
        try reader.finish()
        joiner = restarted
        #expect(encoded == bytes)
    }
}
