import Decode
import Events
import Testing

@Suite struct EventTimeTests {
    /// The event time, or the rejection.
    func read(
        _ ts: String,
        unit: DecodeSettings.TimeUnit = .milliseconds,
        recordTime: Int64 = now,
        change: (inout DecodeSettings) -> Void = { _ in }
    ) throws -> Int64 {
        var settings = DecodeSettings()
        settings.timeUnit = unit
        change(&settings)
        let batch = decode(
            #"{"impression_id":"a","ts":\#(ts)}"#,
            as: .click,
            settings: settings,
            recordTime: recordTime
        )
        if let rejection = batch.rejections.first { throw rejection }
        return batch.records[0].event.time
    }

    @Test("times are converted to milliseconds, rounded down")
    func units() throws {
        #expect(try read("1650812741", unit: .seconds) == 1_650_812_741_000)
        #expect(try read("1650812741436") == 1_650_812_741_436)
        #expect(try read("1650812741436999", unit: .microseconds) == 1_650_812_741_436)
        #expect(try read("-1", unit: .microseconds) { $0.timeMin = -5 } == -1)
    }

    @Test("the bounds are inclusive")
    func bounds() throws {
        #expect(try read("946684800000") == 946_684_800_000)
        #expect(try read("\(now + 3_600_000)") == now + 3_600_000)
        let early = #expect(throws: Rejection.self) { try read("946684799999") }
        #expect(early?.reason == .timeTooEarly)
        let ahead = #expect(throws: Rejection.self) { try read("\(now + 3_600_001)") }
        #expect(ahead?.reason == .timeTooFarAhead)
        #expect(ahead?.detail.contains("\(now + 3_600_001)") == true)
        #expect(ahead?.detail.contains("events.time_unit") == false)
    }

    @Test(
        "a time that is plausible in another unit says so",
        arguments: [
            ("1650812741", .milliseconds, .timeTooEarly, "seconds"),
            ("1650812741436000", .milliseconds, .timeTooFarAhead, "microseconds"),
            ("1650812741436", .seconds, .timeTooFarAhead, "milliseconds"),
            ("1650812741436000", .seconds, .timeTooFarAhead, "microseconds"),
            ("1650812741", .microseconds, .timeTooEarly, "seconds"),
            ("1650812741436", .microseconds, .timeTooEarly, "milliseconds"),
        ] as [(String, DecodeSettings.TimeUnit, RejectionReason, String)]
    )
    func hints(ts: String, unit: DecodeSettings.TimeUnit, reason: RejectionReason, other: String) {
        let rejection = #expect(throws: Rejection.self) { try read(ts, unit: unit) }
        #expect(rejection?.reason == reason)
        #expect(
            rejection?.detail.hasSuffix("; it looks like \(other): set events.time_unit") == true
        )
    }

    @Test(
        "hostile times are rejected in every unit and never overflow",
        arguments: DecodeSettings.TimeUnit.allCases,
        ["9223372036854775807", "18446744073709551615", "-9223372036854775808", "0", "-1"]
    )
    func hostile(unit: DecodeSettings.TimeUnit, ts: String) {
        for recordTime in [now, .max, .min, -1] {
            for ahead in [0, Int64.max, .min] {
                let time = try? read(ts, unit: unit, recordTime: recordTime) {
                    $0.timeAheadMax = ahead
                }
                if ts.hasPrefix("-") || ts == "0" || recordTime == now && ahead == 0 {
                    #expect(time == nil)
                }
            }
        }
    }
}
