public import Events

/// Notices events that sort before something already applied, or before an idle advance. They are
/// still processed; a replay has none of them unless a partition's own times go back.
public struct StreamOrder: Equatable, Sendable {
    /// Where an event sorts: by time, then role, then partition.
    public struct Key: Equatable, Comparable, Sendable, Codable {
        public var time: Int64
        public var role: UInt8
        public var partition: Int32

        public init(time: Int64, role: Role, partition: Int32) {
            self.time = time
            self.role = role.rawValue
            self.partition = partition
        }

        public static func < (left: Key, right: Key) -> Bool {
            (left.time, left.role, left.partition) < (right.time, right.role, right.partition)
        }
    }

    /// The greatest key applied, or advanced to.
    public private(set) var greatest: Key
    public private(set) var disordered: Int

    public init(
        greatest: Key = Key(time: .min, role: .impression, partition: 0),
        disordered: Int = 0
    ) {
        self.greatest = greatest
        self.disordered = disordered
    }

    /// An event is applied.
    public mutating func apply(_ key: Key) {
        if key < greatest {
            disordered += 1
        } else {
            greatest = key
        }
    }

    /// Stream time was advanced: an event of that very time is still in order.
    public mutating func advance(to time: Int64) {
        greatest = max(greatest, Key(time: time, role: .impression, partition: .min))
    }
}
