internal import Decode
internal import Join
internal import Order

extension DecodeSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "events",
            keys: [
                "time_unit", "impressions", "clicks", "conversions", "conversion_types",
                "max_record_bytes", "max_time_ahead", "min_time",
            ]
        )
        timeUnit = try section["time_unit"]?.choice() ?? timeUnit
        try impressions.read(section)
        try clicks.read(section)
        try conversions.read(section)
        if let value = section["conversion_types"] { try readTypes(value) }
        recordBytesMax =
            try section["max_record_bytes"]?.size(in: 64...1 << 30) ?? recordBytesMax
        timeAheadMax = try section["max_time_ahead"]?.duration(atLeast: 0) ?? timeAheadMax
        if let value = section["min_time"] {
            guard let time = Timestamp.milliseconds(try value.text()) else {
                throw value.wrongType("a date, or a time such as 2026-01-01T00:00:00Z")
            }
            timeMin = time
        }
    }

    private mutating func readTypes(_ value: Value) throws(ConfigurationError) {
        if value.isWord("all") {
            conversionTypes = nil
            return
        }
        var types: [String] = []
        for item in try value.items(limit: 1_000) {
            let type = try item.name()
            guard !types.contains(type) else { throw item.error("\(type) is listed twice") }
            types.append(type)
        }
        guard !types.isEmpty else {
            throw value.error("is empty: no conversion would count; write all to count every one")
        }
        conversionTypes = types
    }
}

extension DecodeSettings.ImpressionKeys {
    fileprivate mutating func read(_ events: Section) throws(ConfigurationError) {
        let section = try events.section(
            "impressions",
            keys: ["id", "time", "features", "weight"]
        )
        id = try section["id"]?.name() ?? id
        time = try section["time"]?.name() ?? time
        features = try section["features"]?.name() ?? features
        weight = try section["weight"]?.name() ?? weight
        try section.requireDistinct([id, time, features, weight])
    }
}

extension DecodeSettings.ClickKeys {
    fileprivate mutating func read(_ events: Section) throws(ConfigurationError) {
        let section = try events.section("clicks", keys: ["impression_id", "time", "click_id"])
        impressionID = try section["impression_id"]?.name() ?? impressionID
        time = try section["time"]?.name() ?? time
        clickID = try section["click_id"]?.name() ?? clickID
        try section.requireDistinct([impressionID, time, clickID])
    }
}

extension DecodeSettings.ConversionKeys {
    fileprivate mutating func read(_ events: Section) throws(ConfigurationError) {
        let section = try events.section(
            "conversions",
            keys: ["impression_id", "click_id", "time", "event_id", "type"]
        )
        impressionID = try section["impression_id"]?.name() ?? impressionID
        clickID = try section["click_id"]?.name() ?? clickID
        time = try section["time"]?.name() ?? time
        eventID = try section["event_id"]?.name() ?? eventID
        type = try section["type"]?.name() ?? type
        try section.requireDistinct([impressionID, clickID, time, eventID, type])
    }
}

extension Section {
    fileprivate func requireDistinct(_ names: [String]) throws(ConfigurationError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw ConfigurationError(
                file: file,
                line: line,
                key: path,
                problem: "two of its fields are called \"\(name)\""
            )
        }
    }
}

extension OrderSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section("order", keys: ["ordering_delay", "idle_advance"])
        orderingDelay = try section["ordering_delay"]?.duration(atLeast: 0) ?? orderingDelay
        idleAdvance = try section["idle_advance"]?.boolean() ?? idleAdvance
    }
}

extension JoinSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "join",
            keys: [
                "click_window", "conversion_window", "orphan_window", "closed_memory",
                "label_timing", "guard_span", "guard_ratio", "max_open_impressions",
                "max_held_events", "max_closed_ids",
            ]
        )
        clickWindow = try section["click_window"]?.duration(atLeast: 1) ?? clickWindow
        conversionWindow =
            try section["conversion_window"]?.duration(atLeast: 1) ?? conversionWindow
        orphanWindow = try section["orphan_window"]?.duration(atLeast: 0) ?? orphanWindow
        closedMemory = try section["closed_memory"]?.duration(atLeast: 0) ?? closedMemory

        let timing = try section.section("label_timing", keys: ["ctr", "ctcvr"])
        ctrTiming = try timing["ctr"]?.choice() ?? ctrTiming
        ctcvrTiming = try timing["ctcvr"]?.choice() ?? ctcvrTiming

        guardSpan = try section["guard_span"]?.duration(atLeast: 1_000) ?? guardSpan
        guardRatio =
            try section["guard_ratio"]?.number("a number from 0 to below 1") {
                (0..<1).contains($0)
            }
            ?? guardRatio

        let limits = 1...JoinSettings.limitMax
        openImpressionsMax =
            try section["max_open_impressions"]?.integer(in: 1...limits.upperBound / 2)
            ?? openImpressionsMax
        heldEventsMax = try section["max_held_events"]?.integer(in: limits) ?? heldEventsMax
        closedIDsMax = try section["max_closed_ids"]?.integer(in: limits) ?? closedIDsMax
    }
}
