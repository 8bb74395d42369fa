import ArgumentParser

/// What `tools/bench` runs: parts of the program alone, timed. Each command prints one JSON object.
@main
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet-benchmark",
        abstract: "Times parts of Freshet by themselves.",
        subcommands: [
            LearnerBenchmark.self, RooflineBenchmark.self, DecodeBenchmark.self,
            JoinBenchmark.self, SnapshotBenchmark.self, AllocationsBenchmark.self,
            SplitBenchmark.self,
        ]
    )
}
