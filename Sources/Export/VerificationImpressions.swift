internal import Configure
internal import Decode
internal import Events
internal import Learn

/// What an export is verified on: the snapshot's sample, then made-up impressions.
struct VerificationImpressions {
    private(set) var batch = ImpressionBatch()
    private var records: [[UInt8]] = []
    private(set) var recentCount = 0

    /// A sampled record that is no impression any more (of another configuration) is left out.
    init(_ snapshot: ServingSnapshot) throws {
        let configuration = snapshot.configuration
        var reader = ImpressionReader(
            schema: configuration.schema,
            settings: configuration.decode
        )
        for record in snapshot.sample { append(record, &reader) }
        recentCount = batch.count
        let synthetic = SyntheticImpressions(
            configuration: configuration,
            statistics: snapshot.statistics
        )
        for index in 0..<SyntheticImpressions.count { append(try synthetic.record(index), &reader) }
    }

    private mutating func append(_ record: [UInt8], _ reader: inout ImpressionReader) {
        var words: [UInt32] = []
        do throws(Rejection) {
            _ = try reader.read(record.span, into: &words)
        } catch { return }
        batch.append(words)
        records.append(record)
    }

    /// The edges among the made-up impressions, and recent ones from all over the sample; where there are
    /// too few of those, more made-up ones.
    func golden(outputs: [Probabilities]) -> [GoldenImpression] {
        let edges = 8
        let synthetic = recentCount..<batch.count
        let wanted = GoldenImpression.count - edges
        let recent = min(recentCount, wanted)
        let chosen =
            (0..<recent).map { $0 * recentCount / recent }
            + synthetic.prefix(GoldenImpression.count - recent)
        return chosen.map { index in
            GoldenImpression(
                record: records[index],
                words: Array(batch.words[batch.ranges[index]]),
                outputs: outputs[index]
            )
        }
    }
}
