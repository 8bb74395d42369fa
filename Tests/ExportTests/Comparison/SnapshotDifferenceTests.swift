import Export
import Foundation
import Learn
import Pipeline
import Snapshot
import TestSupport
import Testing

@Suite("What changed between two snapshots")
struct SnapshotDifferenceTests {
    /// A state with two snapshots of a small model.
    private struct State {
        let folder: TemporaryFolder
        let store: SnapshotStore

        init(wide: Bool = false) throws {
            folder = try TemporaryFolder()
            let config = try folder.write(
                """
                features:
                  - {name: user, kind: categorical, rows: 500}
                  - {name: recent, kind: list, rows: 300}
                  - {name: price, kind: numeric}
                model: {experts: {count: 2, layers: [8]}, towers: {layers: [4]}, wide: \(wide)}
                join: {click_window: 5s, conversion_window: 10s}
                """,
                to: "config.yaml"
            )
            let events = folder.path("events")
            for arguments in [
                ["generate", "--events", "2000", "--files", events],
                [
                    "replay", "--config", config, "--state", folder.path("state"), "--files",
                    events,
                    "--snapshot-every", "1000",
                ],
            ] {
                let outcome = try CommandProcess.run(arguments)
                try #require(outcome.status == 0, "\(outcome.errors)")
            }
            store = try SnapshotStore(directory: folder.path("state"))
        }

        func snapshot(_ number: Int) throws -> ServingSnapshot {
            try .find("\(number)", in: store) { Issue.record($0) }
        }

        /// Adds a copy of a snapshot with other parameters.
        func add(_ number: Int, from: Int, _ alter: (inout [Float]) -> Void) throws {
            let name = SnapshotStore.name(number: "\(from)")
            let manifest = try store.manifest(of: name, as: SnapshotBody.self)
            let sections = try manifest.files.map { entry in
                let section = String(entry.name.dropLast(".lz4".count))
                let bytes = try store.section(section, of: name, files: manifest.files)
                guard section == "parameters" else {
                    return Section(name: section, content: .bytes(bytes))
                }
                var parameters = [Float](bytes: bytes)
                alter(&parameters)
                return Section(name: section, content: .floats(parameters))
            }
            try store.write(
                name: SnapshotStore.name(number: "\(number)"),
                sections: sections,
                manifest: manifest.body
            )
        }
    }

    @Test("is, per part, the norm of the change of its tensors")
    func norms() throws {
        let state = try State()
        let (from, to) = (try state.snapshot(1), try state.snapshot(2))
        let difference = try SnapshotDifference(from: from, to: to)
        let tensors = try from.tensors()
        let changes = difference.fields + difference.parts
        #expect(
            Set(changes.map(\.part)) == [
                "embedding.user", "embedding.recent", "embeddings", "experts", "gates", "towers",
            ]
        )
        for change in changes {
            let prefix =
                change.part.hasPrefix("embedding.") ? change.part : String(change.part.dropLast())
            var (squares, norm, rows) = (0.0, 0.0, 0)
            for tensor in tensors where tensor.name.hasPrefix(prefix + ".") {
                let columns = tensor.shape.last!
                for row in 0..<tensor.range.count / columns {
                    let place = tensor.range.lowerBound + row * columns
                    let values = (place..<place + columns).map {
                        (Double(from.parameters[$0]), Double(to.parameters[$0]))
                    }
                    if values.contains(where: { $0 != $1 }) { rows += 1 }
                    for (a, b) in values {
                        squares += (b - a) * (b - a)
                        norm += a * a
                    }
                }
            }
            #expect(abs(change.change - squares.squareRoot()) < 1e-9, "\(change.part)")
            #expect(abs(change.norm - norm.squareRoot()) < 1e-9, "\(change.part)")
            #expect(change.change > 0)
            #expect(change.relative == change.change / change.norm)
            #expect(change.notFinite == 0)
            #expect(change.rowsChanged == (change.part.hasPrefix("embedding") ? rows : nil))
        }
        let relative = difference.fields.compactMap(\.relative)
        #expect(relative == relative.sorted(by: >))
        #expect(difference.shapes.isEmpty)
        #expect(difference.configuration.isEmpty)
    }

    @Test("tells how the linear part moved, as a whole and by field")
    func wide() throws {
        let state = try State(wide: true)
        let (from, to) = (try state.snapshot(1), try state.snapshot(2))
        let difference = try SnapshotDifference(from: from, to: to)
        #expect(
            difference.parts.map(\.part) == ["embeddings", "wide", "experts", "gates", "towers"]
        )
        let fields = difference.fields.filter { $0.part.hasPrefix("wide.") }
        #expect(Set(fields.map(\.part)) == ["wide.user", "wide.recent", "wide.price"])
        #expect(fields.allSatisfy { $0.change > 0 })
        #expect(fields.first { $0.part == "wide.price" }?.rows == 1)
        #expect(difference.parts[1].rows == 501 + 301 + 1)
        let squares = fields.reduce(0) { $0 + $1.change * $1.change }
        #expect(abs(difference.parts[1].change - squares.squareRoot()) < 1e-9)
    }

    @Test("names the field whose embedding moved most, and survives what is not finite")
    func notFinite() throws {
        let state = try State()
        let tensors = try state.snapshot(2).tensors()
        let recent = try #require(tensors.first { $0.name == "embedding.recent.weight" })
        let gate = try #require(tensors.first { $0.name.hasPrefix("gate.") })
        try state.add(3, from: 2) { parameters in
            for index in recent.range { parameters[index] += 3 }
            parameters[recent.range.lowerBound] = .nan
            parameters[gate.range.lowerBound] = .infinity
        }
        let difference = try SnapshotDifference(
            from: state.snapshot(2),
            to: state.snapshot(3)
        )
        #expect(difference.fields.map(\.part) == ["embedding.recent", "embedding.user"])
        #expect(difference.fields.map(\.notFinite) == [1, 0])
        #expect(difference.fields[0].rowsChanged == 301)
        let expected = 3 * Double(recent.range.count - 1).squareRoot()
        #expect(abs(difference.fields[0].change - expected) < 1e-4)
        #expect(difference.fields[1].change == 0)
        #expect(difference.parts.map(\.notFinite) == [1, 0, 1, 0])
        #expect(difference.positions.allSatisfy { $0.difference == 0 })
        _ = try JSONEncoder().encode(difference)
    }

    @Test("of a snapshot with too few parameters is an error")
    func wrongSize() throws {
        let state = try State()
        try state.add(3, from: 2) { $0.removeLast(16) }
        #expect(throws: ExportError.self) {
            _ = try SnapshotDifference(from: state.snapshot(2), to: state.snapshot(3))
        }
        #expect(throws: ExportError.self) { _ = try state.snapshot(3).fieldFigures() }
    }
}
