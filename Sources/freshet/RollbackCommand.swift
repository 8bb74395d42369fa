import ArgumentParser
import Configure
import Export

/// `freshet rollback`: back to the version before.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Switches what is published back to the version before, and holds publication.",
        discussion: """
            Nothing is published then, by `run` or `export --watch`, until --release: the next snapshot \
            would undo the rollback. What was rolled back is not published again.
            """
    )

    @Option(name: .long, help: "The publication folder.", completion: .directory)
    var output: String

    @Option(
        name: .long,
        help: "The version's number; the one before the published one unless given."
    )
    var to: Int?

    @Flag(name: .long, help: "Let publication go on.")
    var release = false

    func validate() throws {
        guard to == nil || !release else {
            throw ValidationError("--to and --release are not given together")
        }
    }

    func run() throws {
        let folder = PublicationFolder(directory: output)
        if release {
            let hold = try folder.release()
            print(
                hold.map { "publication goes on; it was held since \($0.since)" }
                    ?? "nothing held publication"
            )
            return
        }
        let rollback = try folder.rollback(to: to, since: Timestamp.text(clockMilliseconds()))
        let withdrawn = rollback.hold.withdrawn
        print(
            """
            \(output)/current leads to \(rollback.to.name), it led to \(rollback.from.name)\
            \(withdrawn.isEmpty ? "" : "; withdrawn: \(withdrawn.joined(separator: ", "))"). \
            Publication is held; to let it go on: freshet rollback --output \(output) --release
            """
        )
    }
}
