public import Events

/// The law's books of one topic partition: every event consumed from it is in exactly one place.
public struct PartitionCounts: Equatable, Sendable {
    public var partition: Partition
    public var consumed: Int
    private var counts: [Int]

    public init(_ partition: Partition) {
        self.partition = partition
        consumed = 0
        counts = Place.allCases.map { _ in 0 }
    }

    public subscript(place: Place) -> Int {
        get { counts[place.rawValue] }
        set { counts[place.rawValue] = newValue }
    }

    /// Whether the law holds.
    public var isBalanced: Bool { consumed == counts.reduce(0, +) }
}

/// `{"role": "clicks", "topic": …, "partition": 0, "consumed": n, "applied": n, …}`
extension PartitionCounts: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }

        static let role = Key("role")
        static let topic = Key("topic")
        static let partition = Key("partition")
        static let consumed = Key("consumed")
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let roleName = try container.decode(String.self, forKey: .role)
        guard let role = Role(plural: roleName) else {
            throw DecodingError.dataCorruptedError(
                forKey: .role,
                in: container,
                debugDescription: "no such role: \(roleName)"
            )
        }
        self.init(
            Partition(
                role: role,
                name: try container.decode(String.self, forKey: .topic),
                number: try container.decode(Int32.self, forKey: .partition)
            )
        )
        consumed = try container.decode(Int.self, forKey: .consumed)
        for place in Place.allCases {
            self[place] = try container.decode(Int.self, forKey: Key(place.name))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(partition.role.plural, forKey: .role)
        try container.encode(partition.name, forKey: .topic)
        try container.encode(partition.number, forKey: .partition)
        try container.encode(consumed, forKey: .consumed)
        for place in Place.allCases {
            try container.encode(self[place], forKey: Key(place.name))
        }
    }
}
