import Kafka

/// The commands that `freshet broker --control` takes, one a line, and its answers.
enum BrokerControl {
    static let help = """
        down [BROKER] and up [BROKER] take brokers away and bring them back; delay MS [BROKER] delays \
        every answer; leader TOPIC/PARTITION BROKER|none moves a partition; fail REQUEST COUNT ERROR \
        makes the next requests (produce, fetch, offsets, metadata, commit, coordinator) fail with an \
        error of Kafka's, such as NOT_LEADER_FOR_PARTITION, or _TRANSPORT for a disconnect. Each is \
        answered with "ok" or "error: " and the reason. Brokers are numbered from 1.
        """

    /// Carries out one line.
    /// - Returns: the answer.
    static func answer(to line: String, broker: borrowing MockBroker) -> String {
        do {
            try carryOut(line.split(separator: " "), broker)
            return "ok"
        } catch {
            return "error: \(error)"
        }
    }

    private static func carryOut(
        _ words: [Substring],
        _ broker: borrowing MockBroker
    ) throws {
        switch (words.first, words.count) {
        case ("down", 1...2), ("up", 1...2):
            try broker.setDown(words[0] == "down", broker: try optionalNumber(words, at: 1))
        case ("delay", 2...3):
            try broker.setRoundTripTime(
                milliseconds: Int(try number(words[1])),
                broker: try optionalNumber(words, at: 2)
            )
        case ("leader", 3):
            guard let slash = words[1].lastIndex(of: "/") else { throw Mistake(words) }
            try broker.setLeader(
                topic: String(words[1][..<slash]),
                partition: try number(words[1][words[1].index(after: slash)...]),
                broker: words[2] == "none" ? nil : try number(words[2])
            )
        case ("fail", 4):
            guard let request = MockBroker.Request(rawValue: String(words[1])) else {
                throw Mistake(words)
            }
            let count = Int(try number(words[2]))
            guard count <= 10_000 else { throw Mistake(words) }
            try broker.failNext(request, count: count, error: String(words[3]))
        default:
            throw Mistake(words)
        }
    }

    private static func optionalNumber(_ words: [Substring], at index: Int) throws -> Int32? {
        index < words.count ? try number(words[index]) : nil
    }

    private static func number(_ word: Substring) throws -> Int32 {
        guard let number = Int32(word), number >= 0 else { throw Mistake([word]) }
        return number
    }

    /// A line, or a part of one, that is no command.
    private struct Mistake: Error, CustomStringConvertible {
        let description: String

        init(_ words: [Substring]) {
            description = "not understood: \(words.joined(separator: " "))"
        }
    }
}
