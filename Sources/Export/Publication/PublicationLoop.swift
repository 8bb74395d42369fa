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
    /// The state directory has no snapshot (yet, or any more).
    case waiting
}

/// Follows a state directory and publishes each new snapshot, once there are any.
///
/// The caller decides when to look, and says what time it is. Nothing of the state is written to, and what fails here changes
/// nothing there.
public struct PublicationLoop {
    private let publisher: Publisher
    private let report: (PublicationNote) -> Void
    /// The model of which nothing more is to be done.
    private var done: String?
    /// Whether there was no snapshot at the last turn.
    private var waits = false
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

    /// Looks once, and publishes what is new. Where nothing is, that costs three small files.
    /// - Parameter now: milliseconds since the epoch.
    public mutating func turn(now: Int64) {
        var snapshot: String?
        do {
            if try isWaiting() { return }
            snapshot = try publisher.store.current()
            guard let snapshot else { return wait() }
            waits = false
            if let failed, failed.snapshot == snapshot, now < failed.retryAt { return }
            // Not by name alone: a state may have been put in the place of another. What cannot be read
            // is the publisher's to judge: it may just have made room for a newer one.
            let model = try? ServingSnapshot.modelID(of: snapshot, in: publisher.store)
            if let model, model == done { return }
            let outcome = try publisher.publish(snapshot, now: now) { report(.warning($0)) }
            failed = nil
            complaint = nil
            take(outcome, of: snapshot, model)
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

    /// There is no snapshot, which is told once.
    private mutating func wait() {
        if !waits { report(.waiting) }
        waits = true
    }

    private mutating func take(
        _ outcome: PublicationOutcome,
        of snapshot: String,
        _ model: String?
    ) {
        switch outcome {
        case .held, .superseded, .gone:
            // The next turn sees what is there then.
            return
        case .published, .unchanged, .refused, .withdrawn:
            done = model
            report(.outcome(outcome, snapshot: snapshot))
        }
    }
}

/// Milliseconds after which what failed is tried again, if there is no newer snapshot before.
private let retryDelay: Int64 = 10_000
