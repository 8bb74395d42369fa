internal import Dispatch
internal import Foundation
internal import Synchronization

/// A question to the brokers, asked on a thread of its own.
///
/// librdkafka's calls that ask something block until there is an answer or the time is over. Cutting the
/// time into slices would lose every answer that takes longer than a slice; here the caller looks around
/// while the one call goes on, and may leave it to end by itself.
final class Inquiry<Answer: Sendable>: Sendable {
    private let answer = Mutex<Result<Answer, KafkaError>?>(nil)
    private let isAnswered = DispatchSemaphore(value: 0)

    /// How often the caller looks around.
    private static var lookMilliseconds: Int { 50 }

    private init() {}

    /// Asks, and waits for the answer.
    /// - Parameters:
    ///   - what: what is asked, for the error.
    ///   - shouldStop: asked every 50 ms.
    /// - Throws: what `call` throws, or an error with `isStop` if `shouldStop` came first.
    static func ask(
        _ what: String,
        shouldStop: () -> Bool,
        _ call: @escaping @Sendable () throws(KafkaError) -> Answer
    ) throws(KafkaError) -> Answer {
        let inquiry = Inquiry()
        Thread.detachNewThread {
            let result: Result<Answer, KafkaError>
            do throws(KafkaError) {
                result = .success(try call())
            } catch {
                result = .failure(error)
            }
            inquiry.answer.withLock { $0 = result }
            inquiry.isAnswered.signal()
        }
        repeat {
            if shouldStop() { throw .stopped(what) }
        } while inquiry.isAnswered.wait(timeout: .now() + .milliseconds(lookMilliseconds))
            == .timedOut
        guard let result = inquiry.answer.withLock({ $0 }) else {
            preconditionFailure("an inquiry signals after its answer")
        }
        return try result.get()
    }
}
