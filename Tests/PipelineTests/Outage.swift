import Events
import Foundation
import Join
import Learn
import TestSupport

/// Impressions of which 3 % are clicked and of those 30 % convert, and a producer that dies.
/// Times are milliseconds; an impression comes every 30.
struct OutageScenario {
    enum Loss {
        case none
        /// The events come when the producer does, in disorder, over two minutes.
        case delayed
        case lost
    }

    var silent = Role.click
    var loss = Loss.none
    /// When the producer is dead.
    var outage: Range<Int64> = minutes(120)..<minutes(140)
    var length = minutes(175)
    /// From when on only this share of clicks is made.
    var clickShareFrom = (time: Int64.max, share: 1.0)
    /// When nothing at all happens.
    var pause: Range<Int64> = 0..<0

    /// Events in the order in which they arrive.
    func arrivals(seed: UInt64) -> [Event] {
        var random = SeededGenerator(seed: seed)
        func exponential(_ mean: Double) -> Int64 {
            Int64(-mean * log(Double.random(in: 0x1p-53..<1, using: &random)))
        }
        var arrivals: [(time: Int64, event: Event)] = []
        func add(_ event: Event) {
            guard !pause.contains(event.time) else { return }
            var arrival = event.time
            if event.role == silent, outage.contains(event.time), loss != .none {
                if loss == .lost { return }
                arrival = outage.upperBound + Int64.random(in: 0..<120_000, using: &random)
            }
            arrivals.append((arrival, event))
        }
        var number: UInt64 = 0
        for time in stride(from: 0, to: length, by: 30) {
            number += 1
            let id = EventID(high: 1, low: number)
            add(Event(role: .impression, partition: 0, time: time, impressionID: id))
            let share = time < clickShareFrom.time ? 1 : clickShareFrom.share
            guard Double.random(in: 0..<1, using: &random) < 0.03 * share else { continue }
            let clicked = time + exponential(40_000)
            add(Event(role: .click, partition: 1, time: clicked, impressionID: id))
            guard Double.random(in: 0..<1, using: &random) < 0.3 else { continue }
            let converted = clicked + exponential(60_000)
            add(Event(role: .conversion, partition: 2, time: converted, impressionID: id))
        }
        let order = arrivals.indices.sorted { (arrivals[$0].time, $0) < (arrivals[$1].time, $1) }
        return order.map { arrivals[$0].event }
    }
}

func minutes(_ count: Int64) -> Int64 { count * 60_000 }

/// Joins and learns a scenario, and remembers what was predicted.
struct OutageRun: ~Copyable {
    var joiner: Joiner
    var sink: OutageSink
    /// When silence was noticed, and when it ended.
    private(set) var silences: [(since: Int64, end: Int64?)] = []

    init(_ scenario: OutageScenario, guardRatio: Double, span: Int64 = minutes(5), seed: UInt64) {
        joiner = Joiner(
            settings: JoinSettings(
                clickWindow: minutes(10),
                conversionWindow: minutes(20),
                orphanWindow: minutes(1),
                closedMemory: minutes(60),
                guardSpan: span,
                guardRatio: guardRatio
            ),
            partitionCount: 3
        )
        sink = OutageSink()
        var random = SeededGenerator(seed: ~seed)
        for event in scenario.arrivals(seed: seed) {
            // The ad and the user, who have nothing to do with the outcome.
            var features: [UInt32] = []
            if event.role == .impression {
                features = [
                    UInt32.random(in: 0..<50, using: &random),
                    UInt32.random(in: 0..<500, using: &random),
                ]
            }
            let text: [UInt8] = []
            joiner.apply(event, features: features.span, text: text.span, sink: &sink)
            note()
        }
    }

    private mutating func note() {
        let isNoted = silences.last.map { $0.end == nil } ?? false
        if joiner.silence.isSilent == isNoted { return }
        if isNoted {
            silences[silences.count - 1].end = joiner.streamTime
        } else {
            silences.append((joiner.streamTime, nil))
        }
    }
}

/// A learner that remembers its predictions.
struct OutageSink: JoinSink, ~Copyable {
    private var learner: Learner
    private(set) var minutes: [Minute] = []
    private(set) var trained = (ctr: 0, ctcvr: 0)

    /// Sums over impressions of a minute.
    struct Minute {
        var impressions = 0.0
        var ctr = 0.0
        var ctcvr = 0.0
    }

    init() {
        learner = Learner(
            schema: FeatureSchema(fields: [
                FeatureField(name: "ad", kind: .categorical(rows: 50)),
                FeatureField(name: "user", kind: .categorical(rows: 500)),
            ]),
            settings: LearnSettings(
                network: NetworkSettings(
                    embeddingDimension: 4,
                    experts: 2,
                    expertLayers: [8],
                    towerLayers: [8]
                ),
                loss: FocalLoss(),
                optimizer: OptimizerSettings(
                    method: .adagrad(
                        initialAccumulator: 1e-4,
                        epsilon: 1e-6,
                        accumulatorMax: 25
                    ),
                    embeddingRate: 0.05,
                    denseRate: 0.02
                ),
                baseCTR: 0.03,
                baseCTCVR: 0.009,
                embeddingDeviation: 0.05,
                seed: 1,
                cohortWidth: 3_600_000
            ),
            maturity: 1_800_000
        )
    }

    mutating func arrive(_ impression: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        let prediction = learner.arrive(features: &features)
        let probabilities = learner.probabilities(of: prediction)
        let minute = Int(impression.time / 60_000)
        while minutes.count <= minute { minutes.append(Minute()) }
        minutes[minute].impressions += 1
        minutes[minute].ctr += Double(probabilities.ctr)
        minutes[minute].ctcvr += Double(probabilities.ctcvr)
        return prediction
    }

    mutating func score(_ example: Example) { learner.score(example) }

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        learner.train(example, features: features)
        if example.labels.ctr != nil { trained.ctr += 1 }
        if example.labels.ctcvr != nil { trained.ctcvr += 1 }
    }
}
