internal import CRdKafka
internal import Dispatch
internal import Foundation
internal import Synchronization

/// Closes a consumer, but not at any price.
///
/// librdkafka waits in closing for offsets that were sent to be committed: while brokers are away, for
/// minutes. As Freshet never reads them back, it leaves such a consumer to close by itself, on a thread
/// that keeps the client alive until then.
final class ConsumerClosing: Sendable {
    private let client: Mutex<KafkaClient?>
    private let isClosed = DispatchSemaphore(value: 0)

    private init(_ client: KafkaClient) {
        self.client = Mutex(client)
    }

    /// Closes the client's consumer, waiting at most the given time.
    static func close(_ client: KafkaClient, waitMilliseconds: Int) {
        let closing = ConsumerClosing(client)
        Thread.detachNewThread {
            closing.close()
            closing.isClosed.signal()
        }
        _ = closing.isClosed.wait(timeout: .now() + .milliseconds(waitMilliseconds))
    }

    /// The client is let go before the signal, so that a consumer that closed in time is destroyed by its
    /// owner.
    private func close() {
        guard let client = client.withLock({ $0.take() }) else { return }
        unsafe rd_kafka_consumer_close(client.handle)
    }
}
