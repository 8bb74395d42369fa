import ArgumentParser
import Export
import Foundation
import Pipeline
import Snapshot

/// `freshet inspect`: the snapshots of a state directory, or the exports of a publication folder.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows snapshots or exports, their age, figures and positions.",
        discussion: """
            Of a state directory: all snapshots, and of the current one, or the chosen one, everything, \
            with how full each field's embedding table is. Distinct ids are estimated from the rows that \
            have learnt something (linear counting); colliding is the share of ids that share their row.
            """
    )

    @OptionGroup var model: ModelOptions

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func validate() throws { try model.requireOne() }

    func run() throws {
        if let export = model.export {
            try InspectedPublication(directory: export).print(json: json)
        } else {
            try inspect(SnapshotStore(reading: model.state ?? ""))
        }
    }

    private func inspect(_ store: SnapshotStore) throws {
        var listing = try SnapshotListing(store, chosen: model.snapshot)
        // A running daemon may have removed what was just listed.
        for _ in 0..<3 where try listing.hasVanished() {
            listing = try SnapshotListing(store, chosen: model.snapshot)
        }
        let now = clockMilliseconds()
        print(json ? try jsonText(listing.dated(now)) : listing.text(now: now))
        if let damage = listing.damage { throw damage }
    }
}
