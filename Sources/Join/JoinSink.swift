public import Events

/// What the join drives: predict at arrival, score what is final, train what is due.
/// Calls come in the order of the stream; each is complete before the next.
public protocol JoinSink: ~Copyable {
    /// These features, as `arrive` left them, will probably be trained next: said before an arrival, so
    /// that the two can be worked on together. Nothing may depend on it.
    mutating func expect(features: Span<UInt32>)

    /// An impression was accepted. Replaces raw numeric words by what is to be trained
    /// (standardised values), and returns the model's prediction.
    mutating func arrive(
        _ impression: Event,
        features: inout MutableSpan<UInt32>
    ) -> Prediction

    /// Labels became final (whatever the label timing): the arrival's prediction can be scored.
    /// Labels arrive as (false, false), (true, nil), (nil, true) or (nil, false), and as (false, nil)
    /// where conversions were lost.
    mutating func score(_ example: Example)

    /// An example is due for training. `text` is the impression id's UTF-8 text.
    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>)
}

extension JoinSink where Self: ~Copyable {
    public mutating func expect(features: Span<UInt32>) {}
}
