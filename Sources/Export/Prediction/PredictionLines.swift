public import Configure
internal import Decode
public import Events
internal import Learn

/// Answers impressions, given as lines of JSON, with lines of calibrated probabilities, in their order:
///
///     {"impression_id": "a1", "ctr": 0.031, "cvr": 0.2, "ctcvr": 0.0062}
///     {"line": 2, "error": "features.tab: an object, expected a string or an integer"}
///
/// An integer id is answered as its decimal text; a blank line is not answered.
public struct PredictionLines: ~Copyable {
    /// Impressions that are scored together.
    private static let batchCount = 512

    /// Answers that are ready. The caller writes them out and empties it.
    public var output: [UInt8] = []
    public private(set) var answered = 0
    public private(set) var rejected = 0

    private let scorer: any Scorer
    private var reader: ImpressionReader
    private var batch = ImpressionBatch()
    private var words: [UInt32] = []
    private var texts: [UInt8] = []
    private var pending: [Pending] = []

    /// A line whose answer waits for its batch.
    private enum Pending {
        /// The impression's id, in `texts`, and the line's number.
        case impression(id: Range<Int>, line: Int)
        case error(line: Int, String)
    }

    /// - Parameter configuration: that the scorer's model was made with.
    public init(scorer: any Scorer, configuration: Configuration) {
        self.scorer = scorer
        reader = ImpressionReader(
            schema: configuration.schema,
            settings: configuration.decode
        )
    }

    /// Reads a line; its answer comes with its batch, or with `finish`.
    /// - Parameter number: of the line, from 1.
    public mutating func take(_ line: Span<UInt8>, number: Int) throws(ExportError) {
        if line.isBlank { return }
        let start = texts.count
        words.removeAll(keepingCapacity: true)
        do throws(Rejection) {
            try reader.read(line, into: &words, idInto: &texts)
            batch.append(words)
            pending.append(.impression(id: start..<texts.count, line: number))
        } catch { pending.append(.error(line: number, error.detail)) }
        if pending.count >= Self.batchCount { try finish() }
    }

    /// Answers a line that was too long to be held.
    public mutating func reject(_ rejection: Rejection, number: Int) {
        pending.append(.error(line: number, rejection.detail))
    }

    /// Answers all lines that have been taken.
    public mutating func finish() throws(ExportError) {
        let results = try scorer.score(batch)
        var next = 0
        for line in pending {
            switch line {
            case .impression(let id, let number):
                let result = results[next]
                next += 1
                // Anything else is no JSON.
                if result.ctr.isFinite && result.cvr.isFinite && result.ctcvr.isFinite {
                    answered += 1
                    output.append(text: "{\"impression_id\": ")
                    output.append(jsonString: texts[id])
                    output.append(text: ", \"ctr\": ")
                    output.append(number: result.ctr)
                    output.append(text: ", \"cvr\": ")
                    output.append(number: result.cvr)
                    output.append(text: ", \"ctcvr\": ")
                    output.append(number: result.ctcvr)
                    output.append(text: "}\n")
                } else {
                    answerError("the model gives it no finite probability", line: number)
                }
            case .error(let number, let detail):
                answerError(detail, line: number)
            }
        }
        pending.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        batch.removeAll()
    }

    private mutating func answerError(_ detail: String, line: Int) {
        rejected += 1
        output.append(text: "{\"line\": \(line), \"error\": ")
        output.append(jsonString: Array(detail.utf8)[...])
        output.append(text: "}\n")
    }
}

extension Span<UInt8> {
    /// Whether there is nothing but white space.
    var isBlank: Bool {
        for index in indices where !(self[index] == 0x20 || self[index] == 0x09) { return false }
        return true
    }
}
