import Foundation
import Glibc
import TestSupport
import Testing

@Suite("freshet demo")
struct DemoCommandTests {
    @Test("ends by itself with figures, a snapshot and advice, and leaves no process")
    func whole() throws {
        let demo = try DemoRun(["--seconds", "10"])
        let broker = try demo.broker()
        #expect(demo.status() == 0, "\(demo.errors)")
        #expect(demo.errors.isEmpty, "\(demo.errors)")
        #expect(!demo.outlives(broker, seconds: 0))

        let output = demo.output
        let line = try #require(output.split(separator: "\n").first)
        #expect(line.hasPrefix("5 s: "), "\(output)")
        for phrase in ["events/s", "joins/impression", "stream time", "CTCVR AUC", "calibration"] {
            #expect(line.contains(phrase), "\(output)")
        }
        #expect(!output.contains("\u{1B}"), "\(output)")
        for phrase in ["best possible", "Every consumed event", "Try next:"] {
            #expect(output.contains(phrase), "\(output)")
        }
        #expect(!output.contains("no cohort is mature"), "\(output)")
        #expect(!output.contains("events more were produced"), "\(output)")

        let produced = try #require(
            output.firstMatch(of: #/Produced (\d+) impressions, (\d+) clicks/#)
        )
        let body = try current(demo)
        let consumed = try #require(body["consumed"] as? [String: Int])
        #expect(consumed["impressions"] == Int(produced.1), "\(output)")
        #expect(consumed["clicks"] == Int(produced.2), "\(output)")
        #expect(try #require(Int(produced.1)) > 1_000)
        let counts = output.matches(of: #/(?m)^(?:CTR|  best possible) .* (\d+)$/#).compactMap {
            Double($0.1)
        }
        try #require(counts.count == 4, "\(output)")
        #expect(abs(counts[0] / counts[1] - 1) < 0.2, "not of the same impressions: \(output)")
        let metrics = try #require(body["metrics"] as? [String: Any])
        #expect(metrics["mature"] as? Bool == true)

        for command in ["inspect", "check"] {
            let advised = try #require(
                output.split(separator: "\n").first { $0.contains("freshet \(command) ") }
            )
            #expect(try demo.shell(String(advised)).status == 0, "\(advised)")
        }
    }

    @Test("a signal ends it early and cleanly", arguments: [SIGINT, SIGTERM])
    func signal(_ signal: Int32) throws {
        let demo = try DemoRun([])
        let broker = try demo.broker()
        sleep(4)
        demo.send(signal)
        #expect(demo.status() == 0, "\(demo.errors)")
        #expect(!demo.outlives(broker, seconds: 0))
        #expect(demo.output.contains("Every consumed event"), "\(demo.output)")
        let body = try current(demo)
        let consumed = try #require(body["consumed"] as? [String: Int])
        #expect(try #require(consumed["impressions"]) > 0)
    }

    @Test("a replay of its record ends in the daemon's own state digest")
    func recorded() throws {
        // A machine that stalls for longer than the ordering delay, half a second, makes a live run
        // disordered, which no replay can repeat: then another one is looked at.
        var demo: DemoRun
        var live: [String: Any]
        var attempts = 0
        repeat {
            attempts += 1
            demo = try DemoRun(["--seconds", "6"], recorded: true)
            #expect(demo.status() == 0, "\(demo.errors)")
            live = try current(demo)
        } while live["disordered"] as? Int != 0 && attempts < 5
        try #require(live["disordered"] as? Int == 0, "in each of \(attempts) demos")
        let advised = try #require(
            demo.output.split(separator: "\n").first { $0.contains("--advance-to") }
        )
        let (status, output) = try demo.shell(advised + " --json")
        #expect(status == 0)
        let replayed = try #require(
            try JSONSerialization.jsonObject(with: output) as? [String: Any]
        )
        #expect(replayed["state_digest"] as? String == live["state_digest"] as? String)
        #expect(replayed["consumed"] as? NSObject == live["consumed"] as? NSObject)
    }

    @Test("a killed demo takes its broker with it")
    func killed() throws {
        let demo = try DemoRun([])
        let broker = try demo.broker()
        sleep(2)
        demo.send(SIGKILL)
        #expect(demo.status() == -SIGKILL)
        #expect(!demo.outlives(broker, seconds: 10))
    }

    @Test("a demo without its broker says so, and keeps its snapshot")
    func brokerless() throws {
        let demo = try DemoRun([])
        let broker = try demo.broker()
        demo.snapshot()
        kill(broker, SIGKILL)
        #expect(demo.status() == 1)
        #expect(demo.errors.contains("the demo's broker ended unexpectedly"), "\(demo.errors)")
        #expect(try current(demo)["consumed"] != nil)
    }

    @Test("a directory in use is left alone")
    func occupied() throws {
        let demo = try DemoRun(["--seconds", "1"])
        #expect(demo.status() == 0, "\(demo.errors)")
        let (status, output) = try demo.shell(
            "\(BrokerProcess.executable.path) demo --seconds 1 --state \(demo.state) 2>&1"
        )
        #expect(status == 64)
        #expect(String(decoding: output, as: UTF8.self).contains("is not empty"))
    }

    @Test("its configuration is config/demo.yaml with the address of its broker")
    func configuration() throws {
        let demo = try DemoRun(["--seconds", "1"])
        #expect(demo.status() == 0, "\(demo.errors)")
        let written = try String(contentsOfFile: demo.state + "/demo.yaml", encoding: .utf8)
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let kept = try String(contentsOf: root.appending(path: "config/demo.yaml"), encoding: .utf8)
        let address = /bootstrap\.servers: [a-z0-9.:]+/
        #expect(written.matches(of: address).count == 1)
        #expect(written.replacing(address, with: "") == kept.replacing(address, with: ""))
    }

    /// The summary in the newest snapshot's manifest, as `inspect --json` shows it.
    private func current(_ demo: DemoRun) throws -> [String: Any] {
        let (status, output) = try demo.shell(
            "\(BrokerProcess.executable.path) inspect --json --state \(demo.state)"
        )
        #expect(status == 0)
        let snapshots = try #require(
            try JSONSerialization.jsonObject(with: output) as? [[String: Any]]
        )
        let newest = try #require(snapshots.first { $0["current"] as? Bool == true })
        return try #require(newest["summary"] as? [String: Any])
    }
}
