import Configure
import Decode
import Events
import Export
import Foundation
import Learn
import TestSupport
import Testing

@Suite("Answers to impressions")
struct PredictionLinesTests {
    private struct Answer: Codable, Equatable {
        var impressionID: String?
        var ctr: Double?
        var cvr: Double?
        var ctcvr: Double?
        var line: Int?
        var error: String?

        enum CodingKeys: String, CodingKey {
            case ctr, cvr, ctcvr, line, error
            case impressionID = "impression_id"
        }
    }

    private func answers(_ records: [String], by model: TrainedModel) throws -> [Answer] {
        var lines = PredictionLines(
            scorer: NetworkScorer(try model.serving()),
            configuration: model.configuration
        )
        var bytes: [UInt8] = []
        for (index, record) in records.enumerated() {
            try lines.take(Array(record.utf8).span, number: index + 1)
            bytes += lines.output
            lines.output.removeAll()
        }
        try lines.finish()
        bytes += lines.output
        #expect(lines.answered + lines.rejected == bytes.count { $0 == UInt8(ascii: "\n") })
        return try bytes.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Answer.self, from: Data($0))
        }
    }

    /// An impression with some of the features of `TrainedModel`.
    private func record(_ number: Int, _ random: inout SeededGenerator) -> String {
        var features: [String] = []
        func maybe(_ text: @autoclosure () -> String) {
            if Int.random(in: 0..<5, using: &random) > 0 { features.append(text()) }
        }
        func value() -> Int { .random(in: 0..<500, using: &random) }
        maybe("\"user\": \(value())")
        maybe(
            "\"a \\\"quoted\\\" näme\": [\((0..<value() % 4).map { "\($0)" }.joined(separator: ","))]"
        )
        maybe("\"price\": \(Double(value()) / 7)")
        maybe("\"basket\": [\"x\", \(value())]")
        maybe("\"weird.weight\": -\(value())")
        maybe("\"age\": \(value() % 80)")
        return "{\"impression_id\": \(number), \"features\": {\(features.joined(separator: ", "))}}"
    }

    @Test("are what the model predicts, to the last digit, in the order of the lines")
    func sameAsModel() throws {
        let model = try TrainedModel()
        var random = SeededGenerator(seed: 7)
        let records = (0..<1_300).map { record($0, &random) }
        let answers = try answers(records, by: model)
        var serving = try model.serving()
        var reader = ImpressionReader(
            schema: model.configuration.schema,
            settings: model.configuration.decode
        )
        try #require(answers.count == records.count)
        var distinct: Set<Double> = []
        for (record, answer) in zip(records, answers) {
            var words: [UInt32] = []
            let id = try reader.read(Array(record.utf8).span, into: &words)
            var span = words.mutableSpan
            let expected = serving.predict(features: &span)
            #expect(answer.impressionID == id)
            #expect(answer.ctr == expected.ctr)
            #expect(answer.cvr == expected.cvr)
            #expect(answer.ctcvr == expected.ctcvr)
            distinct.insert(expected.ctr)
        }
        #expect(distinct.count > 1_000)
    }

    @Test("to lines that are no impressions name the line; blank lines have none")
    func errors() throws {
        let answers = try answers(
            [
                "", #"{"impression_id": "a\"\\\u0001ü"}"#, "  \t", "nonsense",
                #"{"impression_id": "b", "features": {"user": [1]}}"#,
                #"{"impression_id": -5}"#, #"{"features": {}}"#, "",
            ],
            by: TrainedModel()
        )
        #expect(answers.map(\.impressionID) == ["a\"\\\u{1}ü", nil, nil, "-5", nil])
        #expect(answers.map(\.line) == [nil, 4, 5, nil, 7])
        #expect(answers[2].error == "features.user: a list, expected a string or an integer")
        #expect(answers[4].error?.hasPrefix("impression_id: ") == true)
        #expect(answers[3].ctr == answers[0].ctr)
    }

    @Test("of a model whose parameters are not finite are errors, not broken JSON")
    func notFinite() throws {
        let trained = try TrainedModel()
        var parameters = trained.state.network.parameters
        for index in parameters.indices { parameters[index] = .nan }
        let model = try ServingModel(
            schema: trained.configuration.schema,
            settings: trained.configuration.learn,
            statistics: trained.state.statistics,
            parameters: parameters
        )
        var lines = PredictionLines(
            scorer: NetworkScorer(model),
            configuration: trained.configuration
        )
        try lines.take(Array(#"{"impression_id": "a"}"#.utf8).span, number: 9)
        try lines.finish()
        let answer = try JSONDecoder().decode(Answer.self, from: Data(lines.output))
        #expect(answer.line == 9)
        #expect(lines.rejected == 1)
    }
}
