public import Events

/// How far one partition has been applied.
public struct PartitionProgress: Equatable, Sendable {
    public var partition: Partition
    /// The next offset not yet applied.
    public var position: Int64 = 0
    /// XXH3-64 of the last record's payload, by which a recreated topic is noticed; nil before any,
    /// and behind a record whose payload was not looked at.
    public var lastPayloadHash: UInt64?
    /// Event time of the last record that had one; a rejected record after it sorts there.
    public var carriedTime = Int64.min
    /// Records that were quarantined. They are kept apart from the join's books because they change
    /// nothing, and so are in no digest.
    public var quarantined = 0

    public init(_ partition: Partition, position: Int64 = 0) {
        self.partition = partition
        self.position = position
    }
}

extension PartitionProgress: Codable {
    private enum CodingKeys: String, CodingKey {
        case role, name, partition, position, quarantined
        case lastPayloadHash = "last_record_hash"
        case carriedTime = "last_event_time"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let roleName = try container.decode(String.self, forKey: .role)
        guard let role = Role(plural: roleName) else {
            throw DecodingError.dataCorruptedError(
                forKey: .role,
                in: container,
                debugDescription: "no such role: \(roleName)"
            )
        }
        partition = Partition(
            role: role,
            name: try container.decode(String.self, forKey: .name),
            number: try container.decode(Int32.self, forKey: .partition)
        )
        position = try container.decode(Int64.self, forKey: .position)
        if let hash = try container.decodeIfPresent(String.self, forKey: .lastPayloadHash) {
            lastPayloadHash = UInt64(hash, radix: 16)
            guard lastPayloadHash != nil else {
                throw DecodingError.dataCorruptedError(
                    forKey: .lastPayloadHash,
                    in: container,
                    debugDescription: "not hexadecimal: \(hash)"
                )
            }
        }
        carriedTime = try container.decodeIfPresent(Int64.self, forKey: .carriedTime) ?? .min
        quarantined = try container.decode(Int.self, forKey: .quarantined)
        // Far from where sums would overflow.
        guard (0...1 << 56).contains(position), (0...Int(position)).contains(quarantined) else {
            throw DecodingError.dataCorruptedError(
                forKey: .position,
                in: container,
                debugDescription: "\(quarantined) quarantined records before offset \(position)"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(partition.role.plural, forKey: .role)
        try container.encode(partition.name, forKey: .name)
        try container.encode(partition.number, forKey: .partition)
        try container.encode(position, forKey: .position)
        try container.encodeIfPresent(
            lastPayloadHash.map { String($0, radix: 16) },
            forKey: .lastPayloadHash
        )
        try container.encodeIfPresent(
            carriedTime == .min ? nil : carriedTime,
            forKey: .carriedTime
        )
        try container.encode(quarantined, forKey: .quarantined)
    }
}
