import Configure
import Events
import Join
import StateCoding
import Testing

/// A stream and a configuration under which the estimate is held against a real join.
private struct EstimateCase: CustomTestStringConvertible {
    var testDescription: String
    var steady: SteadyStream
    var settings: JoinSettings

    init(
        _ name: String,
        rate: Double,
        ctr: Double,
        windows: (click: Int64, conversion: Int64, memory: Int64),
        change: (inout SteadyStream, inout JoinSettings) -> Void = { _, _ in }
    ) {
        testDescription = name
        steady = SteadyStream(stream: .init(rate: rate, ctr: ctr), seed: 0x5EED)
        settings = JoinSettings(
            clickWindow: windows.click * 1_000,
            conversionWindow: windows.conversion * 1_000,
            orphanWindow: 10_000,
            closedMemory: windows.memory * 1_000
        )
        change(&steady, &settings)
    }
}

@Suite("Estimates of the join")
struct JoinEstimateTests {
    private static let cases = [
        EstimateCase("plain", rate: 400, ctr: 0.05, windows: (60, 60, 60)),
        EstimateCase("few impressions", rate: 2, ctr: 0.05, windows: (60, 60, 60)),
        EstimateCase("long conversion window", rate: 150, ctr: 0.2, windows: (10, 400, 30)) {
            steady,
            _ in steady.lists = 1
        },
        EstimateCase("long lists and ids", rate: 150, ctr: 0.02, windows: (60, 120, 10)) {
            steady,
            _ in
            steady.lists = 2
            steady.stream.listLength = 60
            steady.stream.idTextBytes = 200
        },
        EstimateCase("long memory", rate: 300, ctr: 0.01, windows: (10, 20, 200)),
        EstimateCase("labels trained when known", rate: 300, ctr: 0.3, windows: (40, 60, 20)) {
            _,
            settings in settings.ctrTiming = .known
        },
        EstimateCase("labels trained at the end", rate: 300, ctr: 0.3, windows: (40, 60, 20)) {
            _,
            settings in settings.ctcvrTiming = .settled
        },
        EstimateCase("every limit is passed", rate: 400, ctr: 0.1, windows: (20, 200, 60)) {
            _,
            settings in
            settings.openImpressionsMax = 10_000
            settings.closedIDsMax = 15_000
        },
        EstimateCase("dropped before they close", rate: 400, ctr: 0.1, windows: (60, 60, 60)) {
            steady,
            settings in
            steady.lists = 1
            settings.openImpressionsMax = 15_000
        },
    ]

    @Test("memory and encoded size are predicted within a fifth", arguments: cases)
    private func prediction(_ one: EstimateCase) throws {
        var configuration = Configuration(schema: one.steady.schema)
        configuration.join = one.settings
        let estimate = ResourceEstimate(configuration, stream: one.steady.stream)
        let join = try #require(estimate.join)
        let joiner = one.steady.join(one.settings)
        var writer = StateWriter()
        joiner.encode(to: &writer)

        #expect(joiner.ledger.isBalanced)
        let dropped = joiner.ledger.count(.dropped, partition: 0)
        #expect(join.dropsImpressions == (dropped > 0))
        func ratio(_ predicted: Int, _ real: Int) -> Double { Double(predicted) / Double(real) }
        let memory = ratio(join.load.memoryBytes, joiner.memoryBytes)
        let encoded = ratio(join.load.encodedBytes, writer.bytes.count)
        #expect((0.8...1.2).contains(memory), "predicted is \(memory) of the real memory")
        #expect((0.8...1.2).contains(encoded), "predicted is \(encoded) of the real size")
        #expect(joiner.memoryBytes <= join.loadMax.memoryBytes)
        #expect(writer.bytes.count <= join.loadMax.encodedBytes)
    }
}
