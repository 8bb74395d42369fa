import Configure
import Export
import Foundation
import Glibc
import Logging
import Pipeline
import ServiceLifecycle
import Snapshot

/// Publishes the snapshots of a state directory into a folder: what `export --watch` does, and `run`
/// beside learning.
struct Publication: Sendable {
    private let store: SnapshotStore
    private let folder: PublicationFolder
    private let publisher: Publisher
    private let log: PublicationLog

    /// - Parameters:
    ///   - state: the state directory, which need not be there yet.
    ///   - output: the publication folder.
    ///   - settings: of which `directory` and `format` are not looked at.
    init(
        state: String,
        output: String,
        settings: PublishSettings,
        writer: ExportWriter,
        logger: Logger
    ) {
        store = SnapshotStore(reading: state)
        folder = PublicationFolder(directory: output, keep: settings.keep)
        publisher = Publisher(
            store: store,
            folder: folder,
            gate: Gate(settings.gate),
            format: writer.format
        ) {
            _ = try writer.write($0, to: $1, createdAt: $2)
        }
        log = PublicationLog(logger: logger, output: output)
    }

    /// Makes the folder, and refuses what can never work.
    func prepare() throws {
        try folder.prepare()
        do throws(SnapshotError) {
            _ = try store.current()
        } catch {
            if case .file = error { throw error }
        }
    }

    /// Follows the state directory until it is told to stop; the snapshot that is being published then
    /// is published.
    ///
    /// - Parameter finishes: whether a snapshot that came with the end is still published, if that has
    ///   been quick so far.
    func follow(finishes: Bool, stop: StopFlag) {
        var loop = PublicationLoop(publisher: publisher, report: log.write)
        var longest = Duration.zero
        func turn() {
            let start = ContinuousClock.now
            loop.turn(now: clockMilliseconds())
            longest = max(longest, ContinuousClock.now - start)
        }
        while !stop.isSet {
            turn()
            usleep(250_000)
        }
        guard finishes else { return }
        if longest < .seconds(10) {
            turn()
        } else {
            log.logger.notice(
                "the last snapshot is left to `freshet export`: publishing takes long",
                metadata: ["seconds": "\(Int(longest / .seconds(1)))"]
            )
        }
    }
}

/// Publishes on a thread of its own, beside the learning thread, until that has saved its last
/// snapshot. Whatever fails is a warning: learning goes on.
struct PublicationService: Service {
    let publication: Publication
    let logger: Logger
    private let stop = StopFlag()

    init(publication: Publication, logger: Logger) {
        self.publication = publication
        self.logger = logger
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    // On a full machine learning goes first.
                    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
                    do {
                        try publication.prepare()
                    } catch {
                        logger.warning("publishing fails", metadata: ["reason": "\(error)"])
                    }
                    publication.follow(finishes: true, stop: stop)
                    continuation.resume()
                }
                thread.name = "publisher"
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onGracefulShutdown: {
            stop.set()
        }
    }
}

/// What publishing has to say, as lines of the log.
private struct PublicationLog: Sendable {
    let logger: Logger
    let output: String

    func write(_ note: PublicationNote) {
        switch note {
        case .outcome(let outcome, let snapshot):
            write(outcome, snapshot)
        case .failed(let error):
            logger.warning("publishing fails", metadata: ["reason": "\(error)"])
        case .warning(let error):
            logger.warning("\(error)")
        case .held(let hold):
            logger.warning(
                "publication is held",
                metadata: [
                    "since": "\(hold.since)",
                    "until": "freshet rollback --output \(output) --release",
                ]
            )
        case .released:
            logger.notice("publication goes on")
        case .waiting:
            logger.notice("there is no snapshot to publish; waiting for one")
        }
    }

    private func write(_ outcome: PublicationOutcome, _ snapshot: String) {
        switch outcome {
        case .published(let version, let model):
            logger.info("published", metadata: ["version": "\(version.name)", "model": "\(model)"])
        case .unchanged:
            logger.info("is published already", metadata: ["snapshot": "\(snapshot)"])
        case .refused(let refusals):
            logger.warning(
                "a snapshot is not published",
                metadata: [
                    "snapshot": "\(snapshot)",
                    "reason": "\(refusals.map(\.description).joined(separator: "; "))",
                ]
            )
        case .withdrawn(let model):
            logger.warning(
                "a model that was rolled back is not published",
                metadata: ["model": "\(model)"]
            )
        case .held, .superseded, .gone:
            break
        }
    }
}
