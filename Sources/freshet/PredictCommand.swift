import ArgumentParser
import Configure
import Decode
import Events
import Export
import Foundation
import Snapshot
import Source

/// `freshet predict`: impressions in, calibrated probabilities out.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Scores impressions by a snapshot or an export.",
        discussion: """
            Reads one impression per line, JSON as in the stream, and answers each with \
            {"impression_id": …, "ctr": …, "cvr": …, "ctcvr": …}, in order; the time and the weight are \
            not needed. A line that is no impression is answered with {"line": …, "error": …}, its \
            number counted from 1, and ends nothing; a blank line is not answered. Answers are written \
            whenever the input pauses.

            With --skew it looks for differences between training and serving: of impressions that \
            carry what serving answered, "served": {"model": …, "ctr": …, "cvr": …}, the probabilities \
            are computed again from that export, and it reports which feature, had serving seen it \
            otherwise, explains the difference.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        name: .long,
        help: "The impressions, a file, plain or .lz4. (default: standard input)",
        completion: .file()
    )
    var input: String?

    @Flag(name: .long, help: "Compare what serving answered with what its model says.")
    var skew = false

    @Option(
        name: .long,
        help: "With --skew: a publication folder, or an export, that served.",
        completion: .directory
    )
    var exports: String?

    @Flag(name: .long, help: "With --skew: print JSON.")
    var json = false

    func validate() throws {
        if skew {
            guard exports != nil else { throw ValidationError("--skew needs --exports DIR") }
            guard model.isEmpty else {
                throw ValidationError(
                    "--skew takes the models from --exports, not from --state or --export"
                )
            }
        } else {
            guard exports == nil, !json else {
                throw ValidationError("--exports and --json are for --skew only")
            }
            try model.requireOne()
        }
    }

    func run() throws {
        if let exports, skew { return try reportSkew(of: exports) }
        StandardOutput.outliveReaders()
        let (scorer, configuration) = try model.scorer()
        do {
            try predict(scorer, configuration)
        } catch is StandardOutput.Closed {}
    }

    private func predict(_ scorer: any Scorer, _ configuration: Configuration) throws {
        let recordBytesMax = configuration.decode.recordBytesMax
        var lines = try LineInput(path: input, lineBytesMax: recordBytesMax)
        var answers = PredictionLines(scorer: scorer, configuration: configuration)
        let output = StandardOutput()
        func flush(_ answers: inout PredictionLines) throws {
            try answers.finish()
            try output.write(answers.output)
            answers.output.removeAll(keepingCapacity: true)
        }
        while true {
            var line = lines.nextWithoutWaiting()
            if line == nil {
                try flush(&answers)
                line = try lines.next()
            }
            switch line {
            case .whole(let range):
                try answers.take(
                    lines.bytes.span.extracting(range),
                    number: lines.lineNumber
                )
            case .tooLong(let byteCount):
                let rejection = Rejection.tooLarge(byteCount: byteCount, limit: recordBytesMax)
                answers.reject(rejection, number: lines.lineNumber)
            case nil:
                try flush(&answers)
                if answers.rejected > 0 {
                    standardError(
                        "\(answers.rejected) of \(lines.lineNumber) lines could not be scored"
                    )
                }
                return
            }
        }
    }

    private func reportSkew(of directory: String) throws {
        var analysis = try SkewAnalysis(exports: directory) { standardError("warning: \($0)") }
        var lines = try LineInput(path: input, lineBytesMax: SkewAnalysis.lineBytesMax)
        while let line = try lines.next() {
            switch line {
            case .whole(let range):
                try analysis.take(lines.bytes.span.extracting(range), number: lines.lineNumber)
            case .tooLong(let byteCount):
                analysis.reject(
                    .tooLarge(byteCount: byteCount, limit: SkewAnalysis.lineBytesMax),
                    number: lines.lineNumber
                )
            }
        }
        let report = try analysis.finish()
        print(json ? try jsonText(report) : SkewTable(report).text)
    }
}

/// A line of progress or of warning.
func standardError(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}

/// A report as JSON for people and scripts.
func jsonText(_ report: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
}
