internal import Events

/// Reads event times, and refuses those that would poison stream time.
struct EventTimeRule {
    /// The name of the time field.
    var key: String
    var unit: DecodeSettings.TimeUnit
    /// Earlier times are refused, milliseconds.
    var timeMin: Int64
    /// Times further ahead of the record's own time are refused, milliseconds.
    var timeAheadMax: Int64

    /// The event time in milliseconds. `recordTime` is the record's timestamp, or the time of the run
    /// where records have none.
    func time(of value: JSONValue, recordTime: Int64) throws(Rejection) -> Int64 {
        let number: Int64
        switch value {
        case .signed(let integer, _): number = integer
        // Saturates: it is too far ahead in every unit.
        case .unsigned: number = .max
        case .absent, .null:
            throw Rejection(.missingField, "\(key): \(value.description), expected an integer")
        case .boolean, .object, .double, .string, .list:
            throw Rejection(.wrongType, "\(key): \(value.description), expected an integer")
        }
        let time = unit.milliseconds(number)
        let timeMax = timeMax(recordTime: recordTime)
        if time >= timeMin && time <= timeMax { return time }
        let hint = hint(number, timeMax: timeMax)
        if time < timeMin {
            throw Rejection(
                .timeTooEarly,
                "\(key): \(number) \(unit.rawValue), before the earliest accepted time \(timeMin) ms\(hint)"
            )
        }
        throw Rejection(
            .timeTooFarAhead,
            "\(key): \(number) \(unit.rawValue), beyond the latest accepted time \(timeMax) ms\(hint)"
        )
    }

    private func timeMax(recordTime: Int64) -> Int64 {
        let (sum, isTooLarge) = recordTime.addingReportingOverflow(timeAheadMax)
        return isTooLarge ? (timeAheadMax > 0 ? .max : .min) : sum
    }

    /// Names the unit in which the time would be plausible.
    private func hint(_ number: Int64, timeMax: Int64) -> String {
        for other in DecodeSettings.TimeUnit.allCases where other != unit {
            let time = other.milliseconds(number)
            if time >= timeMin && time <= timeMax {
                return "; it looks like \(other.rawValue): set events.time_unit"
            }
        }
        return ""
    }
}

extension DecodeSettings.TimeUnit {
    /// The time in milliseconds, rounded down; at the bounds of `Int64` where it lies beyond them.
    func milliseconds(_ number: Int64) -> Int64 {
        switch self {
        case .seconds:
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: 1000)
            return isTooLarge ? (number > 0 ? .max : .min) : product
        case .milliseconds:
            return number
        case .microseconds:
            let (quotient, remainder) = number.quotientAndRemainder(dividingBy: 1000)
            return remainder < 0 ? quotient - 1 : quotient
        }
    }
}
