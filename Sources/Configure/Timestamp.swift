/// Points in time as people write them: `2026-01-31`, `2026-01-31T12:00:00Z`, with a fraction of up
/// to three digits and an offset such as `+01:00` if wanted (RFC 3339).
public enum Timestamp {
    /// Milliseconds since the Unix epoch, or nil if the text is no point in time.
    public static func milliseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        guard let year = number(4, from: &rest), take("-", from: &rest),
            let month = number(2, from: &rest), take("-", from: &rest),
            let day = number(2, from: &rest), (1...12).contains(month),
            (1...days(in: month, of: year)).contains(day)
        else { return nil }
        let midnight = daysSinceEpoch(year: year, month: month, day: day) * 86_400_000
        if rest.isEmpty { return midnight }
        guard take("T", from: &rest) || take(" ", from: &rest),
            let time = timeOfDay(&rest), let offset = zoneOffset(&rest), rest.isEmpty
        else { return nil }
        return midnight + time - offset
    }

    /// The date alone at midnight UTC, date and time otherwise.
    public static func text(_ milliseconds: Int64) -> String {
        let (day, time) = milliseconds.quotientAndModulus(86_400_000)
        let date = date(daysSinceEpoch: day)
        let dateText = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        guard time != 0 else { return dateText }
        let clock = [time / 3_600_000, time / 60_000 % 60, time / 1_000 % 60]
            .map { padded($0, 2) }.joined(separator: ":")
        let fraction = time % 1_000 == 0 ? "" : "." + padded(time % 1_000, 3)
        return "\(dateText)T\(clock)\(fraction)Z"
    }

    private static func timeOfDay(_ rest: inout Substring) -> Int64? {
        guard let hour = number(2, from: &rest), take(":", from: &rest),
            let minute = number(2, from: &rest), take(":", from: &rest),
            let second = number(2, from: &rest), hour < 24, minute < 60, second < 60
        else { return nil }
        var time = ((hour * 60 + minute) * 60 + second) * 1_000
        if take(".", from: &rest) {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard (1...3).contains(digits.count), let fraction = Int64(digits) else { return nil }
            time += fraction * [100, 10, 1][digits.count - 1]
            rest = rest.dropFirst(digits.count)
        }
        return time
    }

    private static func zoneOffset(_ rest: inout Substring) -> Int64? {
        if take("Z", from: &rest) { return 0 }
        let sign: Int64 = rest.hasPrefix("-") ? -1 : 1
        guard take("+", from: &rest) || take("-", from: &rest),
            let hours = number(2, from: &rest), take(":", from: &rest),
            let minutes = number(2, from: &rest), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes) * 60_000
    }

    private static func number(_ digitCount: Int, from rest: inout Substring) -> Int64? {
        let digits = rest.prefix(digitCount)
        guard digits.count == digitCount, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        rest = rest.dropFirst(digitCount)
        return Int64(digits)
    }

    private static func take(_ character: Character, from rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, proleptic Gregorian; the year starts in March so that the leap day is
    /// its last (Hinnant, "chrono-compatible low-level date algorithms").
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shifted.quotientAndModulus(400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(
        daysSinceEpoch days: Int64
    ) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (days + 719_468).quotientAndModulus(146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = (monthFromMarch + 2) % 12 + 1
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

extension Int64 {
    /// Division that rounds down, with a modulus that is never negative.
    fileprivate func quotientAndModulus(_ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
