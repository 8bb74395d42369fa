internal import Events
internal import Foundation
internal import Logging

/// Where rejected records go: a line each in a file of the state directory, and a rate-limited log.
///
/// The payload is written only if the configuration asks for it, since it may hold personal data.
final class Quarantine {
    private let file: SideFile?
    private let logger: Logger
    private var seen: [RejectionReason: Int] = [:]

    init(file: SideFile?, logger: Logger) {
        self.file = file
        self.logger = logger
    }

    var length: Int64? { file?.length }

    func add(
        _ rejection: Rejection,
        partition: Partition,
        offset: Int64,
        offsetCount: Int64,
        payload: [UInt8]?
    ) throws(PipelineError) {
        log(rejection, partition: partition, offset: offset)
        guard let file else { return }
        let line = Line(
            topic: partition.name,
            partition: partition.number,
            offset: offset,
            count: offsetCount == 1 ? nil : offsetCount,
            reason: rejection.reason.rawValue,
            detail: rejection.detail,
            payload: payload.map { String(decoding: $0, as: UTF8.self) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(line) else { return }
        try file.append(line: text)
    }

    func sync() throws(PipelineError) { try file?.sync() }

    /// Each reason is logged the first ten times, then whenever its count has doubled: a poisoned
    /// topic must not fill the disk with log lines, and no clock is read here.
    private func log(_ rejection: Rejection, partition: Partition, offset: Int64) {
        let count = seen[rejection.reason, default: 0] + 1
        seen[rejection.reason] = count
        guard count <= 10 || count & (count - 1) == 0 else { return }
        logger.warning(
            "quarantined a record",
            metadata: [
                "topic": "\(partition.name)", "partition": "\(partition.number)",
                "offset": "\(offset)", "reason": "\(rejection.reason.rawValue)",
                "detail": "\(rejection.detail)", "so_far": "\(count)",
            ]
        )
    }

    private struct Line: Encodable {
        var topic: String
        var partition: Int32
        var offset: Int64
        var count: Int64?
        var reason: String
        var detail: String
        var payload: String?
    }
}
