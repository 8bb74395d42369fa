import Events
import Join
import StateCoding
import Testing

@Suite("Joiner: state of silence")
struct JoinerSilenceStateTests {
    @Test("a jump over years ends as it does in steps, silent or not")
    func jump() {
        for isSilent in [false, true] {
            var stream = GuardedScene()
            stream.go(to: 400)
            stream.go(to: 500, clicks: !isSilent)
            var stepping = stream
            for step in 1...3000 { stepping.scene.advance(to: 500 + Int64(step) * 7) }
            stepping.scene.advance(to: 1_000_000_000_000)
            stream.scene.advance(to: 1_000_000_000_000)
            #expect(stream.scene.joiner.silence.isSilent == isSilent)
            #expect(stream.scene.encoded == stepping.scene.encoded)
        }
    }

    @Test("silences without number leave a state of bounded size")
    func manySilences() throws {
        var stream = GuardedScene { $0.conversionWindow = 1_000_000 }
        for round in Int64(1)...40 {
            stream.go(to: round * 400 - 100)
            stream.go(to: round * 400, clicks: false)
            // The decoder refuses more blind times than a joiner keeps.
            try stream.scene.restart()
        }
        stream.go(to: 17_000)
        #expect(!stream.scene.joiner.silence.isSilent)
        #expect(stream.trained(false, in: 0..<17_000) == 0)
        #expect(stream.scene.places(.impression)[.dropped, default: 0] >= 40 * 100)
    }

    @Test("altered state of a silence is refused or goes on without a trap")
    func altered() {
        var stream = GuardedScene {
            $0.openImpressionsMax = 3
            $0.closedIDsMax = 3
        }
        stream.losesClicks()
        stream.go(to: 1000)
        stream.go(to: 1100, clicks: false)
        let bytes = stream.scene.encoded
        var random = SplitMix64(seed: 5)
        var refused = 0
        for position in bytes.indices {
            for value in [0, 0x7F, 0xFF, UInt8.random(in: 0...255, using: &random)] {
                var altered = bytes
                altered[position] = value
                var joiner = Joiner(settings: stream.scene.joiner.settings, partitionCount: 3)
                var reader = StateReader(altered)
                do {
                    try joiner.decode(from: &reader)
                } catch {
                    refused += 1
                    continue
                }
                goOn(&joiner)
                #expect(joiner.ledger.isBalanced)
            }
        }
        #expect(refused > bytes.count)
    }

    private func goOn(_ joiner: inout Joiner) {
        var sink = SilentSink()
        for time in Int64(1090)..<1150 {
            for role in Role.allCases {
                joiner.apply(
                    Event(
                        role: role,
                        partition: Int32(role.rawValue),
                        time: time,
                        impressionID: EventID("i\(time)")
                    ),
                    features: [1].span,
                    text: [2].span,
                    sink: &sink
                )
            }
        }
        joiner.acceptSilence()
        joiner.advance(to: .max, sink: &sink)
    }
}
