internal import Events
internal import Join
internal import Learn

/// Where join and learning meet: what the joiner decides, the learner does.
struct LearningSink: JoinSink, ~Copyable {
    var learner: Learner
    let examples: ExampleWriter?

    mutating func expect(features: Span<UInt32>) {
        learner.expect(features: features)
    }

    mutating func arrive(_ impression: Event, features: inout MutableSpan<UInt32>) -> Prediction {
        learner.arrive(features: &features)
    }

    mutating func score(_ example: Example) {
        learner.score(example)
    }

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        learner.train(example, features: features)
        examples?.write(example, text: text)
    }
}
