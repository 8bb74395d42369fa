public import Join

/// What a summary says of silence: `{"clicks": {"since", "rate", "trailing_rate"}}`, likewise
/// `conversions`, each where it is silent; null where neither is. Times are milliseconds of stream
/// time, rates are clicks per impression and conversions per click.
public struct SilenceReport: Codable, Equatable, Sendable {
    public struct Kind: Codable, Equatable, Sendable {
        public var since: Int64
        /// Over the last span; nil if nothing in it could have had one.
        public var rate: Double?
        public var trailingRate: Double

        enum CodingKeys: String, CodingKey {
            case since, rate
            case trailingRate = "trailing_rate"
        }
    }

    public var clicks: Kind?
    public var conversions: Kind?

    public init(_ silence: JoinSilence) {
        clicks = silence.clicks.map(Kind.init)
        conversions = silence.conversions.map(Kind.init)
    }

    public var isSilent: Bool { clicks != nil || conversions != nil }

    enum CodingKeys: String, CodingKey { case clicks, conversions }

    public func encode(to encoder: any Encoder) throws {
        guard isSilent else {
            var container = encoder.singleValueContainer()
            try container.encodeNil()
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(clicks, forKey: .clicks)
        try container.encodeIfPresent(conversions, forKey: .conversions)
    }

    public init(from decoder: any Decoder) throws {
        self.init(JoinSilence())
        if try decoder.singleValueContainer().decodeNil() { return }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        clicks = try container.decodeIfPresent(Kind.self, forKey: .clicks)
        conversions = try container.decodeIfPresent(Kind.self, forKey: .conversions)
    }
}

extension SilenceReport.Kind {
    fileprivate init(_ silence: Silence) {
        self.init(
            since: silence.since,
            rate: silence.rate,
            trailingRate: silence.trailingRate
        )
    }
}
