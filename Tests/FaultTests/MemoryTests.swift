import Foundation
import Pipeline
import TestSupport
import Testing

@Suite("Memory at the limits")
struct MemoryTests {
    /// Resident memory of a process, bytes; 0 when it has ended.
    private func residentBytes(_ process: CommandProcess) -> Int {
        let text = try? String(
            contentsOfFile: "/proc/\(process.identifier)/statm",
            encoding: .utf8
        )
        let pages = text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }

    @Test("of open impressions, held events and known ids stays flat over a long replay")
    func flat() throws {
        // 200 impressions a second stay open for 100 seconds: 20,000, were it not for the limits.
        let scene = try FaultScene(
            cohort: "1h",
            "join: {click_window: 100s, conversion_window: 100s, orphan_window: 10s, "
                + "closed_memory: 1h, max_open_impressions: 2000, max_held_events: 100, "
                + "max_closed_ids: 3000}\nquarantine: {max_file_bytes: 64KiB}"
        )
        try scene.generate(events: 400_000, seed: 61)
        try scene.poison(linesPerFile: 2_000, seed: 61)
        let process = try CommandProcess(
            scene.arguments(
                "replay",
                state: "state",
                ["--files", scene.events, "--snapshot-every", "20000"]
            )
        )
        var samples: [(consumed: Int, bytes: Int)] = []
        while process.isRunning {
            let bytes = residentBytes(process)
            if bytes > 0 {
                samples.append((try scene.newest("state")?.summary.consumed.total ?? 0, bytes))
            }
            usleep(5_000)
        }
        let outcome = try process.finish()
        try #require(outcome.status == 0, "\(outcome.errors)")
        let summary = try #require(try scene.newest("state")).summary
        expectLaw(summary)
        #expect(summary.dropped.total > 100_000)
        func peak(_ range: Range<Int>) -> Int {
            samples.filter { range.contains($0.consumed) }.map(\.bytes).max() ?? 0
        }
        let middle = peak(100_000..<250_000)
        let end = peak(250_000..<Int.max)
        print("resident: \(middle >> 10) KiB in the middle, \(end >> 10) KiB at the end")
        try #require(middle > 0 && end > 0)
        #expect(end <= middle + middle / 20 + 1 << 20)
    }
}
