internal import Events
internal import Kafka

/// Positions on their way to the consumer group: one commit at a time, then the newest that came
/// meanwhile.
struct OffsetCommit {
    /// To be sent when the one before is answered.
    var next: [Int64]?
    var inFlight: [Int64]?
    /// Calls of `serveCommits` to let pass before sending, after brokers did not take it.
    var pause = 0

    private static let pauseAfterFailure = 200

    /// What the brokers could not take now is sent again later, unless there is something newer.
    mutating func sendAgain(_ positions: [Int64]) {
        next = next ?? positions
        pause = Self.pauseAfterFailure
    }

    /// What was sent with a consumer that is gone has to be sent again.
    mutating func resend() {
        next = next ?? inFlight
        inFlight = nil
    }
}

extension KafkaSource {
    /// Sends positions to the consumer group, for lag tools to see; nothing if the settings name no
    /// group. See `RecordSource.commit`.
    public mutating func commit(positions: [Int64]) {
        precondition(positions.count == partitions.count)
        guard hasGroup else { return }
        // A partition nothing was applied of has been passed up to where it started.
        commits.next = zip(positions, startPositions).map { max($0, $1) }
        commits.pause = 0
        serveCommits()
    }

    public mutating func finishCommit(milliseconds: Int) {
        var left = milliseconds
        while commits.inFlight != nil || commits.next != nil, left > 0 {
            serveCommits(waitMilliseconds: min(left, 50))
            left -= 50
        }
        serveCommits()
    }

    /// Takes the answer to the commit under way, and sends the next.
    mutating func serveCommits(waitMilliseconds: Int = 0) {
        if let sent = commits.inFlight {
            guard let answer = consumer.commitAnswer(waitMilliseconds: waitMilliseconds) else {
                return
            }
            commits.inFlight = nil
            if case .failure(let error) = answer {
                warn(kind: error.code, line: error.description)
                if error.isTransient { commits.sendAgain(sent) }
            }
        }
        guard let positions = commits.next else { return }
        if commits.pause > 0 {
            commits.pause -= 1
            return
        }
        commits.next = nil
        let entries = zip(partitions, positions).map {
            KafkaConsumer.Start(topic: $0.name, partition: $0.number, offset: $1)
        }
        do throws(KafkaError) {
            try consumer.beginCommit(entries)
            commits.inFlight = positions
        } catch {
            warn(kind: error.code, line: error.description)
        }
    }
}
