import Foundation
import Join
import Pipeline
import Testing

@Suite("Silence in a summary")
struct SilenceReportTests {
    private struct Holder: Codable, Equatable {
        var silence: SilenceReport
    }

    @Test("is null in JSON where nothing is silent, else what, since when and how much")
    func json() throws {
        let cases: [(JoinSilence, String)] = [
            (JoinSilence(), #"{"silence":null}"#),
            (
                JoinSilence(clicks: Silence(since: 5, rate: 0.25, trailingRate: 0.5)),
                #"{"silence":{"clicks":{"rate":0.25,"since":5,"trailing_rate":0.5}}}"#
            ),
            (
                JoinSilence(conversions: Silence(since: 7, rate: nil, trailingRate: 0.5)),
                #"{"silence":{"conversions":{"since":7,"trailing_rate":0.5}}}"#
            ),
        ]
        for (silence, text) in cases {
            let holder = Holder(silence: SilenceReport(silence))
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let data = try encoder.encode(holder)
            #expect(String(decoding: data, as: UTF8.self) == text)
            #expect(try JSONDecoder().decode(Holder.self, from: data) == holder)
            #expect(holder.silence.isSilent == silence.isSilent)
        }
    }
}
