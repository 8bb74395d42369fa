internal import Configure
internal import Decode
public import Learn

/// The mean predictions of two models on the same impressions.
public struct PredictionShift: Equatable, Sendable {
    /// Impressions that both scored.
    public var impressions: Int
    public var published: Probabilities
    public var candidate: Probabilities

    public init(impressions: Int, published: Probabilities, candidate: Probabilities) {
        self.impressions = impressions
        self.published = published
        self.candidate = candidate
    }

    /// |candidate − published| / published of a mean; where that is 0, 0 if both are, else infinite.
    public static func relative(_ published: Double, _ candidate: Double) -> Double {
        let difference = abs(candidate - published)
        return difference == 0 ? 0 : difference / published
    }

    func refusals(limit: Double) -> [Refusal] {
        guard impressions > 0 else {
            return [
                Refusal(
                    .shiftMax,
                    limit: "\(limit)",
                    finding: "there is no impression to compare predictions on "
                        + "(snapshots.sampled_impressions)"
                )
            ]
        }
        return [
            ("ctr", published.ctr, candidate.ctr), ("ctcvr", published.ctcvr, candidate.ctcvr),
        ].compactMap { task, published, candidate in
            let shift = Self.relative(published, candidate)
            if shift <= limit { return nil }
            return Refusal(
                .shiftMax,
                limit: "\(limit)",
                finding: "the mean \(task) of \(impressions) recent impressions goes from "
                    + "\(published) to \(candidate), by \(shift)"
            )
        }
    }
}

extension PredictionShift {
    /// Scores the sample of a snapshot with its own model and with the published one, each reading
    /// the records by its own configuration.
    ///
    /// - Parameter warn: told why there is nothing to compare.
    /// - Returns: nil if the published model cannot be read or understands none of the impressions: it
    ///   is no obstacle to a better one.
    public init?(
        from published: ServingExport,
        to snapshot: ServingSnapshot,
        warn: (ExportError) -> Void
    ) throws(ExportError) {
        var before = ImpressionBatch()
        var after = ImpressionBatch()
        var old = ImpressionReader(published.configuration)
        var new = ImpressionReader(snapshot.configuration)
        for record in snapshot.sample {
            guard let oldWords = old.words(record), let newWords = new.words(record) else {
                continue
            }
            before.append(oldWords)
            after.append(newWords)
        }
        guard snapshot.sample.isEmpty || before.count > 0 else {
            warn(
                ExportError(
                    "\(published.directory) understands none of the recent impressions, so that "
                        + "predictions are not compared"
                )
            )
            return nil
        }
        let means: Probabilities
        do throws(ExportError) {
            means = try published.scorer().mean(of: before)
        } catch {
            warn(ExportError("the published version cannot be read, and not be compared: \(error)"))
            return nil
        }
        self.init(
            impressions: after.count,
            published: means,
            candidate: try NetworkScorer(snapshot.model()).mean(of: after)
        )
    }
}

extension ImpressionReader {
    fileprivate init(_ configuration: Configuration) {
        self.init(schema: configuration.schema, settings: configuration.decode)
    }

    /// nil for what is no impression by this configuration.
    fileprivate mutating func words(_ record: [UInt8]) -> [UInt32]? {
        var words: [UInt32] = []
        return (try? read(record.span, into: &words)) == nil ? nil : words
    }
}

extension Scorer {
    /// The mean probabilities of impressions; 0 without any.
    fileprivate func mean(of batch: ImpressionBatch) throws(ExportError) -> Probabilities {
        var mean = Probabilities(ctr: 0, cvr: 0, ctcvr: 0)
        for one in try score(batch) {
            mean.ctr += one.ctr / Double(batch.count)
            mean.cvr += one.cvr / Double(batch.count)
            mean.ctcvr += one.ctcvr / Double(batch.count)
        }
        return mean
    }
}
