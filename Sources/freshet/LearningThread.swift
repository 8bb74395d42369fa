import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Says from any thread that the learning thread is to stop after the record at hand.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}

/// Runs the learner on a thread of its own, which owns everything from the source to the model, and
/// turns SIGTERM and SIGINT into a stop between two records.
struct LearningThread: Service {
    let stop = StopFlag()
    private let work: @Sendable (StopFlag) throws -> Void

    init(_ work: @escaping @Sendable (StopFlag) throws -> Void) {
        self.work = work
    }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread {
                    continuation.resume(with: Result { try work(stop) })
                }
                thread.name = "learner"
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onGracefulShutdown: {
            stop.set()
            // Saving may take a while; a second signal ends the process at once.
            for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
        }
    }

    /// Runs the work, and `others` beside it, until the work ends or a signal comes.
    static func run(
        logger: Logger,
        beside others: [any Service] = [],
        _ work: @escaping @Sendable (StopFlag) throws -> Void
    ) async throws {
        let learner = ServiceGroupConfiguration.ServiceConfiguration(
            service: LearningThread(work),
            successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup
        )
        let beside = others.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0,
                successTerminationBehavior: .ignore,
                failureTerminationBehavior: .gracefullyShutdownGroup
            )
        }
        var quiet = logger
        quiet.logLevel = .error
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: beside + [learner],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quiet
            )
        )
        try await group.run()
    }
}
