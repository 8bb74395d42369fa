/// One totally ordered stream of records: a topic's partition, or a file.
public struct Partition: Hashable, Sendable {
    public var role: Role
    /// The topic, or the file's name without its extensions.
    public var name: String
    /// The partition's number in its topic; for files their rank in byte order of names.
    public var number: Int32

    public init(role: Role, name: String, number: Int32) {
        self.role = role
        self.name = name
        self.number = number
    }
}
