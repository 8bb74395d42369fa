import Foundation

/// What to try after a demo: commands that work as printed, in the directory where it ran.
struct DemoAdvice {
    let directory: String
    let rate: Double

    var text: String {
        let program = Self.quoted(CommandLine.arguments[0])
        let state = Self.quoted(directory)
        let configuration = Self.quoted(directory + "/demo.yaml")
        let events = Self.quoted(directory + "-events")
        let replayed = Self.quoted(directory + "-replayed")
        return """

            Try next:
              the snapshot, its figures and positions
                \(program) inspect --state \(state)
              a longer stream of the same kind, as files, and what a replay makes of it
                \(program) generate --events 200000 --rate \(rateText) \
            --click-delay \(DemoStream.clickDelay) \
            --conversion-delay \(DemoStream.conversionDelay) --files \(events)
                \(program) replay --config \(configuration) --state \(replayed) \
            --files \(events) --snapshot-every 100000
              the configuration with every key, and the memory that it takes
                \(program) check --config \(configuration) --rate \(rateText)
              your own topics: name their brokers and features in a copy of demo.yaml, then
                \(program) run --config COPY --state NEW_DIRECTORY
            """
    }

    /// How to come from a record to the state that the daemon had at its end.
    func replay(of folder: String, until time: Int64) -> String {
        """

            A replay of this record ends in the daemon's own state digest:
              \(Self.quoted(CommandLine.arguments[0])) replay \
        --config \(Self.quoted(directory + "/demo.yaml")) \
        --state \(Self.quoted(folder + "-replayed")) --files \(Self.quoted(folder)) \
        --advance-to \(time)
        """
    }

    private var rateText: String { rate == rate.rounded() ? "\(Int(rate))" : "\(rate)" }

    /// As one word of a shell.
    private static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic
                    || "0123456789/._-+:=@%,".unicodeScalars.contains($0))
        }
        return plain && !text.isEmpty
            ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
