internal import Decode
public import Events
internal import Learn
public import Snapshot

/// Finds differences between training and serving, and what explains them.
///
/// Impressions that carry what serving answered are scored again by the model that answered, with the
/// features of the record, which are those that train. Where the probabilities differ, serving has seen
/// other features: each field in turn is given what it may have been there instead (`Substitution`), and
/// the substitution that brings most impressions back to what was answered is the explanation.
public struct SkewAnalysis: ~Copyable {
    /// A probability that differs by more is a difference.
    public static let tolerance = 1e-5
    /// Longer lines are not looked at.
    public static let lineBytesMax = 1 << 24

    /// Impressions that are scored together.
    private static let batchCount = 512

    private var models: ServedModels
    private var served = ServedPredictionReader()
    private var report = SkewReport()
    private var tally = SkewTally()

    /// The record before, and its words if the current model has read it.
    private var lastRecord: [UInt8] = []
    private var lastWords: [UInt32]?

    // What waits to be scored, all of it by one model.
    private var model: ComparedModel?
    private var batch = ImpressionBatch()
    private var answers: [ServedPrediction] = []
    /// The impression before each of the batch; without words if there is none.
    private var previous = ImpressionBatch()

    /// - Parameters:
    ///   - directory: a publication folder, or an export: the models that have served.
    ///   - warn: told of versions that cannot be read.
    public init(
        exports directory: String,
        files: any FileSystem = DiskFileSystem(),
        warn: (any Error) -> Void
    ) throws(ExportError) {
        models = try ServedModels(directory: directory, files: files, warn: warn)
    }

    /// Takes the next record.
    /// - Parameter number: of its line, from 1.
    /// - Throws: `ExportError` if the model that has served cannot be loaded.
    public mutating func take(_ record: Span<UInt8>, number: Int) throws(ExportError) {
        if record.isBlank { return }
        let answer: ServedPrediction
        do throws(Rejection) {
            guard let found = try served.read(record) else {
                report.withoutServed += 1
                return remember(record, words: nil)
            }
            answer = found
        } catch { return reject(error, number: number) }
        guard let model = try models.find(answer.model) else {
            report.unknownModels.add(answer.model)
            return remember(record, words: nil)
        }
        if model !== self.model {
            try scoreBatch()
            self.model = model
            lastWords = nil
        }
        do throws(Rejection) {
            let words = try model.read(record)
            batch.append(words)
            previous.append(lastWords ?? (try? model.read(lastRecord.span)) ?? [])
            answers.append(answer)
            remember(record, words: words)
        } catch { return reject(error, number: number) }
        if batch.count >= Self.batchCount { try scoreBatch() }
    }

    /// Counts a line that is no impression.
    public mutating func reject(_ rejection: Rejection, number: Int) {
        report.rejected += 1
        if report.firstRejected == nil {
            report.firstRejected = "line \(number): \(rejection.detail)"
        }
    }

    /// What has been found.
    public mutating func finish() throws(ExportError) -> SkewReport {
        try scoreBatch()
        report.take(tally)
        return report
    }

    private mutating func remember(_ record: Span<UInt8>, words: [UInt32]?) {
        lastRecord.removeAll(keepingCapacity: true)
        unsafe record.withUnsafeBufferPointer { unsafe lastRecord.append(contentsOf: $0) }
        lastWords = words
    }

    /// Compares what waits.
    private mutating func scoreBatch() throws(ExportError) {
        guard let model, batch.count > 0 else { return }
        let results = try model.scorer.score(batch)
        var suspicion = Suspicion(model)
        for (index, result) in results.enumerated() {
            let answer = answers[index]
            guard result.ctr.isFinite, result.cvr.isFinite else {
                throw ExportError("model \(model.id) gives no finite probability")
            }
            tally.compared += 1
            tally.ctr.add(abs(answer.ctr - result.ctr))
            tally.cvr.add(abs(answer.cvr - result.cvr))
            if answer.agrees(with: result, within: Self.tolerance) { continue }
            tally.different += 1
            let distance = answer.distance(to: result)
            tally.distance += distance
            try suspicion.examine(
                batch.words[batch.ranges[index]],
                previous: previous.words[previous.ranges[index]],
                answer: answer,
                distance: distance
            )
        }
        try suspicion.finish(into: &tally)
        batch.removeAll()
        previous.removeAll()
        answers.removeAll(keepingCapacity: true)
    }
}
