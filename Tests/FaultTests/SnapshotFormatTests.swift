import Configure
import Events
import Foundation
import Learn
import Logging
import Pipeline
import Snapshot
import Source
import StateCoding
import TestSupport
import Testing

/// `Fixtures` holds a state directory of every released version of the snapshot format, made by
/// `replay --until` in the middle of a generated stream: with open impressions, held and remembered
/// events, a guard, numeric and list features.
@Suite("The snapshot format")
struct SnapshotFormatTests {
    private func fixture(_ version: Int) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let kept = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/format-\(version)")
        try FileManager.default.copyItem(
            at: kept,
            to: URL(filePath: folder.path("state"))
        )
        return folder
    }

    /// A kept state, and what it holds.
    struct Kept: Sendable {
        var version: Int
        var pendingImpressions: Int
        var heldEvents: Int
        var trainedCTR: Int
        var sampledImpressions: Int
    }

    @Test(
        "of every released version is read, to the bit",
        arguments: [
            Kept(
                version: 2,
                pendingImpressions: 344,
                heldEvents: 1,
                trainedCTR: 499,
                sampledImpressions: 0
            ),
            Kept(
                version: 3,
                pendingImpressions: 336,
                heldEvents: 2,
                trainedCTR: 499,
                sampledImpressions: 8
            ),
        ]
    )
    func released(kept: Kept) throws {
        let folder = try fixture(kept.version)
        let configuration = try Configuration(file: folder.path("state/config.yaml"))
        let state = try #require(
            try ResumedState.newest(of: SnapshotStore(directory: folder.path("state"))) {
                Issue.record("\($0)")
            }
        )
        let pipeline = try Pipeline(
            settings: PipelineSettings(
                schema: configuration.schema,
                decode: configuration.decode,
                order: configuration.order,
                join: configuration.join,
                learn: configuration.learn,
                now: state.body.now,
                sampledImpressions: 8
            ),
            source: EmptySource(partitions: state.progress.map(\.partition)),
            state: state,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let copy = pipeline.copyState()
        let digest = PipelineState.digest(of: copy.sections())
        #expect(digest == state.body.summary.stateDigest)
        #expect(copy.progress == state.progress)
        let summary = copy.summary(stateDigest: digest)
        expectLaw(summary)
        #expect(summary.pending.impressions == kept.pendingImpressions)
        #expect(
            pipeline.openImpressionCount > kept.pendingImpressions,
            "clicked ones are open, too"
        )
        #expect(pipeline.heldEventCount == kept.heldEvents)
        #expect(summary.trained.ctr == kept.trainedCTR)
        #expect(copy.sample.records.count == kept.sampledImpressions)
        #expect(summary.metrics.all.ctr.count == state.body.summary.metrics.all.ctr.count)
    }

    @Test("of a version that this program does not know is refused by name", arguments: [1, 4])
    func unknown(version: Int) throws {
        let folder = try fixture(2)
        let path = folder.path("state/snapshots/0000000001/manifest.json")
        var text = try String(contentsOfFile: path, encoding: .utf8)
        let known = try #require(text.range(of: "\"format_version\" : 2"))
        text.replaceSubrange(known, with: "\"format_version\" : \(version)")
        let seal = try #require(text.range(of: ",\n  \"manifest_checksum\""))
        let body = Array(text[..<seal.lowerBound].utf8)
        var digest = StateDigest()
        unsafe digest.update(body.span.bytes)
        text =
            String(decoding: body, as: UTF8.self)
            + ",\n  \"manifest_checksum\" : \"\(digest.text)\"\n}\n"
        try Data(text.utf8).write(to: URL(filePath: path))

        let outcome = try CommandProcess.run(
            [
                "replay", "--config", folder.path("state/config.yaml"), "--state",
                folder.path("state"), "--files", folder.path("state"),
            ]
        )
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("manifest.json has format version \(version)"))
        #expect(outcome.errors.contains("this program reads 2 to 3"))
    }
}
