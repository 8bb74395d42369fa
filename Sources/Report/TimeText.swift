/// Points in time and durations for people, in UTC, from milliseconds since the epoch.
enum TimeText {
    struct Parts {
        var year: Int64
        var month: Int
        var day: Int
        var hour: Int
        var minute: Int
        var second: Int
        var millisecond: Int
    }

    /// Civil date and time of day, for every Int64 (H. Hinnant, "chrono-compatible low-level date
    /// algorithms").
    static func parts(_ milliseconds: Int64) -> Parts {
        let dayLength: Int64 = 86_400_000
        let ofDay = ((milliseconds % dayLength) + dayLength) % dayLength
        let days = milliseconds / dayLength - (milliseconds % dayLength < 0 ? 1 : 0) + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = Int(shifted < 10 ? shifted + 3 : shifted - 9)
        return Parts(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
            month: month,
            day: Int(dayOfYear - (153 * shifted + 2) / 5 + 1),
            hour: Int(ofDay / 3_600_000),
            minute: Int(ofDay / 60_000 % 60),
            second: Int(ofDay / 1_000 % 60),
            millisecond: Int(ofDay % 1_000)
        )
    }

    /// 25 Apr 2022, 13:05:09
    static func full(_ milliseconds: Int64) -> String {
        let time = parts(milliseconds)
        return "\(day(time)) \(time.year), \(clock(time)):\(twoDigits(time.second))"
    }

    /// 2022-04-25 13:05, for tables; seconds where there are any.
    static func compact(_ milliseconds: Int64) -> String {
        let time = parts(milliseconds)
        let seconds = time.second > 0 ? ":" + twoDigits(time.second) : ""
        return
            "\(time.year)-\(twoDigits(time.month))-\(twoDigits(time.day)) \(clock(time))\(seconds)"
    }

    /// What stands at a tick: the day at midnight, the time otherwise.
    static func tick(_ milliseconds: Int64) -> String {
        let time = parts(milliseconds)
        if time.hour == 0 && time.minute == 0 && time.second == 0 { return day(time) }
        return time.second == 0 ? clock(time) : clock(time) + ":" + twoDigits(time.second)
    }

    /// 250 ms, 4 s, 10 min, 1 h, 7 d: the largest unit that gives at least one.
    static func duration(_ milliseconds: Double) -> String {
        for (unit, length) in units where milliseconds >= length {
            let value = (milliseconds / length * 10).rounded() / 10
            return value == value.rounded() ? "\(Int(value)) \(unit)" : "\(value) \(unit)"
        }
        return milliseconds > 0 ? "\(milliseconds) ms" : "0 ms"
    }

    /// Round times within the range, at most as many as asked for.
    static func ticks(from start: Double, to end: Double, atMost count: Int) -> [Double] {
        let span = end - start
        let step =
            steps.first { span / $0 <= Double(count) }
            ?? Scale.roundStep(span / Double(max(count, 1)) / 86_400_000) * 86_400_000
        let first = (start / step).rounded(.up)
        let last = (end / step).rounded(.down)
        guard last >= first, last - first < 100 else { return [] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    private static let units: [(String, Double)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Seconds, minutes, hours and days at which people look.
    private static let steps: [Double] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
        86_400, 172_800, 345_600, 604_800, 1_209_600,
    ].map { $0 * 1_000 }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func day(_ time: Parts) -> String { "\(time.day) \(months[time.month - 1])" }

    private static func clock(_ time: Parts) -> String {
        "\(twoDigits(time.hour)):\(twoDigits(time.minute))"
    }

    private static func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
