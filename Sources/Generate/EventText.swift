/// The JSON of the events, in buffers that are used again for every event.
struct EventText: Sendable {
    /// The JSON object, without a line's end.
    private(set) var payload: [UInt8] = []
    /// The impression id.
    private(set) var key: [UInt8] = []
    private let prefix: [UInt8]

    init(prefix: String) {
        self.prefix = Array(prefix.utf8)
    }

    mutating func setImpression(
        _ impression: ImpressionNumber,
        time: Int64,
        contents: ImpressionContents,
        recent: [Int]
    ) {
        begin(impression)
        put("{\"impression_id\":\"")
        payload.append(contentsOf: key)
        put("\",\"ts\":")
        put(Int(time))
        put(",\"features\":{\"user\":")
        put(contents.user)
        put(",\"ad\":")
        put(contents.ad)
        put(",\"slot\":\"s")
        put(contents.slot)
        put("\",\"hour\":")
        put(contents.hour)
        put(",\"recent\":[")
        for (position, ad) in recent.enumerated() {
            if position > 0 { put(",") }
            put(ad)
        }
        put("]")
        if let cents = contents.priceCents {
            put(",\"price\":")
            put(hundredths: cents)
        }
        if let age = contents.age {
            put(",\"age\":")
            put(age)
        }
        put("}}")
    }

    mutating func setClick(of impression: ImpressionNumber, time: Int64) {
        begin(impression)
        put("{\"impression_id\":\"")
        payload.append(contentsOf: key)
        put("\",\"ts\":")
        put(Int(time))
        put(",\"click_id\":\"")
        payload.append(contentsOf: key)
        put("c\"}")
    }

    mutating func setConversion(
        of impression: ImpressionNumber,
        time: Int64,
        namesClick: Bool,
        isPurchase: Bool,
        valueCents: Int
    ) {
        begin(impression)
        put(namesClick ? "{\"click_id\":\"" : "{\"impression_id\":\"")
        payload.append(contentsOf: key)
        put(namesClick ? "c\",\"ts\":" : "\",\"ts\":")
        put(Int(time))
        put(",\"event_id\":\"")
        payload.append(contentsOf: key)
        put(
            isPurchase
                ? "v\",\"type\":\"purchase\",\"value\":" : "v\",\"type\":\"signup\",\"value\":"
        )
        put(hundredths: valueCents)
        put("}")
    }

    private mutating func begin(_ impression: ImpressionNumber) {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: prefix)
        key.append(UInt8(ascii: "-"))
        key.append(impression.series.rawValue)
        key.append(decimal: impression.number)
        payload.removeAll(keepingCapacity: true)
    }

    private mutating func put(_ text: String) {
        payload.append(contentsOf: text.utf8)
    }

    private mutating func put(_ number: Int) {
        payload.append(decimal: number)
    }

    private mutating func put(hundredths: Int) {
        payload.append(decimal: hundredths / 100)
        let rest = hundredths % 100
        payload.append(UInt8(ascii: "."))
        payload.append(UInt8(ascii: "0") + UInt8(rest / 10))
        if rest % 10 > 0 { payload.append(UInt8(ascii: "0") + UInt8(rest % 10)) }
    }
}

extension [UInt8] {
    /// Appends the digits of a number that is not negative.
    fileprivate mutating func append(decimal number: Int) {
        let start = count
        var rest = UInt(number)
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        var (left, right) = (start, count - 1)
        while left < right {
            swapAt(left, right)
            left += 1
            right -= 1
        }
    }
}
