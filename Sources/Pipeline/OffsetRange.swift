internal import Events
internal import Logging

/// Offsets of one partition that the operator leaves out: poisoned data that was accepted as events.
public struct OffsetRange: Codable, Equatable, Sendable {
    /// The topic, or the file's name without its extensions.
    public var topic: String
    public var partition: Int32
    public var first: Int64
    /// The last offset left out, inclusive.
    public var last: Int64

    public init(topic: String, partition: Int32, first: Int64, last: Int64) {
        self.topic = topic
        self.partition = partition
        self.first = first
        self.last = last
    }

    /// Reads `TOPIC/PARTITION:FROM-TO`, both offsets included; nil if the text is of another form.
    public init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/") else { return nil }
        let place = text[text.index(after: slash)...].split(
            separator: ":",
            omittingEmptySubsequences: false
        )
        guard place.count == 2, let partition = Int32(place[0]), partition >= 0 else { return nil }
        let offsets = place[1].split(separator: "-", omittingEmptySubsequences: false)
        guard offsets.count == 2, let first = Int64(offsets[0]), let last = Int64(offsets[1]),
            first >= 0, last >= first, slash > text.startIndex
        else { return nil }
        self.init(topic: String(text[..<slash]), partition: partition, first: first, last: last)
    }

    func contains(_ offset: Int64) -> Bool { first <= offset && offset <= last }

    /// Says of ranges that lie before a position, at least in part, that these offsets are not left out:
    /// they were passed, left out or applied, by an earlier run.
    static func warn(
        of ranges: [OffsetRange],
        before progress: [PartitionProgress],
        logger: Logger
    ) {
        for range in ranges {
            let position = progress.first {
                $0.partition.name == range.topic && $0.partition.number == range.partition
            }?.position
            guard let position, range.first < position else { continue }
            logger.warning(
                """
                offsets to skip lie before the position: what was applied of them stays learnt, \
                unless --from-snapshot goes back to a snapshot before it
                """,
                metadata: [
                    "topic": "\(range.topic)", "partition": "\(range.partition)",
                    "first": "\(range.first)", "position": "\(position)",
                ]
            )
        }
    }

    /// The ranges by partition index.
    /// - Throws: `PipelineError` for a range in a partition that is not there.
    static func checked(
        _ ranges: [OffsetRange],
        partitions: [Partition]
    ) throws(PipelineError) -> [[OffsetRange]] {
        var byPartition: [[OffsetRange]] = partitions.map { _ in [] }
        for range in ranges {
            let index = partitions.firstIndex {
                $0.name == range.topic && $0.number == range.partition
            }
            guard let index else {
                let names = partitions.map { "\($0.name)/\($0.number)" }.joined(separator: ", ")
                throw PipelineError(
                    "--skip \(range.topic)/\(range.partition): there is no such partition; "
                        + "there are \(names)"
                )
            }
            if !byPartition[index].contains(range) { byPartition[index].append(range) }
        }
        return byPartition
    }
}
