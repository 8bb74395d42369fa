internal import Snapshot

/// What a publication loop tells.
public enum PublicationNote: Sendable {
    /// What came of a snapshot.
    case outcome(PublicationOutcome, snapshot: String)
    /// It could not be done now; it is tried again with the next snapshot, or later.
    case failed(any Error)
    /// No obstacle, but somebody should know.
    case warning(ExportError)
    /// Nothing is published until the hold is released.
    case held(Hold)
    /// Publication goes on after a hold.
    case released
}

/// Follows a state directory and publishes each new snapshot, once there are any.
///
/// The caller decides when to look, and says what time it is. Nothing of the state is written to, and what fails here changes
/// nothing there.
public struct PublicationLoop {
    private let publisher: Publisher
    private let report: (PublicationNote) -> Void
    /// The snapshot of which nothing more is to be done.
    private var done: String?
    /// The snapshot that failed last, and when it is tried again.
    private var failed: (snapshot: String?, retryAt: Int64)?
    private var isHeld = false
    /// The last complaint, which is not repeated.
    private var complaint: String?

    /// - Parameter report: told once of everything that is new.
    public init(publisher: Publisher, report: @escaping (PublicationNote) -> Void) {
        self.publisher = publisher
        self.report = report
    }

    /// Looks once, and publishes what is new. Where nothing is, that costs two small files.
    /// - Parameter now: milliseconds since the epoch.
    public mutating func turn(now: Int64) {
        var snapshot: String?
        do {
            if try isWaiting() { return }
            snapshot = try publisher.store.current()
            guard let snapshot, snapshot != done else { return }
            if let failed, failed.snapshot == snapshot, now < failed.retryAt { return }
            let outcome = try publisher.publish(snapshot, now: now) { report(.warning($0)) }
            failed = nil
            complaint = nil
            take(outcome, of: snapshot)
        } catch {
            failed = (snapshot, now + retryDelay)
            guard complaint != "\(error)" else { return }
            complaint = "\(error)"
            report(.failed(error))
        }
    }

    /// Whether publication is held, which is cheap to see and told once.
    private mutating func isWaiting() throws -> Bool {
        let hold = try publisher.folder.hold()
        switch (isHeld, hold) {
        case (false, let hold?): report(.held(hold))
        case (true, nil): report(.released)
        default: break
        }
        isHeld = hold != nil
        return isHeld
    }

    private mutating func take(_ outcome: PublicationOutcome, of snapshot: String) {
        switch outcome {
        case .held, .superseded, .gone:
            // The next turn sees what is there then.
            return
        case .published, .unchanged, .refused, .withdrawn:
            done = snapshot
            report(.outcome(outcome, snapshot: snapshot))
        }
    }
}

/// Milliseconds after which what failed is tried again, if there is no newer snapshot before.
private let retryDelay: Int64 = 10_000
