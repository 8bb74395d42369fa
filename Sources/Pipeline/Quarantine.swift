internal import Events
internal import Foundation
internal import Logging

/// Where rejected records go: a line each in a file of the state directory, and a rate-limited log.
///
/// The payload is written only if the configuration asks for it, since it may hold personal data.
/// The file is a record for people; the counts are the state's, and stay exact whatever becomes of it.
/// So a file that cannot be written does not stop the learner: lines wait in memory and are written
/// once it can be, those beyond the room for them are left out, and the file says how many.
final class Quarantine {
    private let file: SideFile?
    /// The file does not grow beyond this; nil: no limit.
    private let fileBytesMax: Int?
    private let logger: Logger
    private var seen: [RejectionReason: Int] = [:]
    /// The file ends in the line which says that it is full.
    private var isFull = false
    /// The last attempt to write failed.
    private var isFailing = false
    /// Lines left out since the file could be written last.
    private var leftOut = 0
    /// The buffer is written when it has grown to this.
    private var flushThreshold = flushByteCount

    init(file: SideFile?, fileBytesMax: Int?, logger: Logger) {
        self.file = file
        self.fileBytesMax = fileBytesMax
        self.logger = logger
        if let file, fileBytesMax != nil { isFull = file.endsInLine(text(of: fullLine)) }
    }

    /// What a snapshot may count on: of a file that cannot be written, what is durable.
    var length: Int64? { isFailing ? file?.synced : file?.length }

    func add(
        _ rejection: Rejection,
        partition: Partition,
        offset: Int64,
        offsetCount: Int64,
        payload: [UInt8]?
    ) {
        log(rejection, partition: partition, offset: offset)
        guard let file, !isFull else { return }
        write(
            Line(
                topic: partition.name,
                partition: partition.number,
                offset: offset,
                count: offsetCount == 1 ? nil : offsetCount,
                reason: rejection.reason.rawValue,
                detail: rejection.detail,
                payload: payload.map { String(decoding: $0, as: UTF8.self) }
            ),
            to: file
        )
    }

    /// Makes the lines so far durable, or warns that they are not.
    func sync() {
        guard let file else { return }
        attempt { () throws(PipelineError) in try file.sync() }
    }

    // MARK: The file

    private func write(_ line: Line, to file: SideFile) {
        let bytes = text(of: line)
        if let fileBytesMax {
            let end = text(of: fullLine)
            guard Int(file.length) + bytes.count + 1 + end.count + 1 <= fileBytesMax else {
                isFull = true
                file.append(line: end)
                logger.warning(
                    "the quarantine file is full; further records are counted but not written",
                    metadata: ["file": "\(file.path)", "max_file_bytes": "\(fileBytesMax)"]
                )
                return
            }
        }
        if isFailing && file.bufferedByteCount + bytes.count > bufferedBytesMax {
            if leftOut == 0 {
                logger.warning(
                    "lines of the quarantine file are left out until it can be written",
                    metadata: ["file": "\(file.path)"]
                )
            }
            leftOut += 1
            return
        }
        file.append(line: bytes)
        if file.bufferedByteCount >= flushThreshold {
            attempt { () throws(PipelineError) in try file.flush() }
        }
    }

    /// Tries to write. The failure is logged once, and the success after it.
    private func attempt(_ body: () throws(PipelineError) -> Void) {
        guard let file else { return }
        do throws(PipelineError) {
            try body()
            flushThreshold = flushByteCount
            guard isFailing else { return }
            isFailing = false
            logger.notice(
                "the quarantine file is written again",
                metadata: ["file": "\(file.path)", "lines_left_out": "\(leftOut)"]
            )
            if leftOut > 0 {
                let count = leftOut
                leftOut = 0
                if !isFull { write(Line(count: Int64(count), reason: "left_out"), to: file) }
            }
        } catch {
            // Not at every line that follows.
            flushThreshold = file.bufferedByteCount + flushByteCount
            if isFailing { return }
            isFailing = true
            logger.error(
                "the quarantine file cannot be written; learning goes on, and its lines wait",
                metadata: ["error": "\(error)"]
            )
        }
    }

    // MARK: The log

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

    // MARK: Lines

    private struct Line: Encodable {
        var topic: String?
        var partition: Int32?
        var offset: Int64?
        var count: Int64?
        var reason: String
        var detail: String?
        var payload: String?
    }

    private var fullLine: Line {
        Line(
            reason: "file_full",
            detail: "quarantine.max_file_bytes is \(fileBytesMax ?? 0); "
                + "what comes after is counted but not written"
        )
    }

    private func text(of line: Line) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and integers: there is nothing that could fail.
        return (try? encoder.encode(line)).map(Array.init) ?? []
    }
}

/// Lines are written when this much of them has gathered.
private let flushByteCount = 1 << 16
/// Lines of a file that cannot be written are kept up to this.
private let bufferedBytesMax = 1 << 20
