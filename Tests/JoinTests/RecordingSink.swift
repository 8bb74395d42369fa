import Events
import Join

/// A sink that remembers every call with all its values.
///
/// Its prediction is a hash of the features it was shown, and it rewrites one of them, so that an
/// example carrying another impression's prediction, or features from before arrival, shows.
struct RecordingSink: JoinSink {
    enum Call: Equatable {
        case arrive(
            impressionID: EventID,
            partition: Int32,
            time: Int64,
            weight: Float,
            features: [UInt32]
        )
        case score(Example)
        case train(Example, features: [UInt32], text: [UInt8])
    }

    private(set) var calls: [Call] = []

    mutating func arrive(
        _ impression: Event,
        features: inout MutableSpan<UInt32>
    ) -> Prediction {
        var words: [UInt32] = []
        for index in features.indices { words.append(features[index]) }
        calls.append(
            .arrive(
                impressionID: impression.impressionID,
                partition: impression.partition,
                time: impression.time,
                weight: impression.weight,
                features: words
            )
        )
        var hash: UInt32 = 2_166_136_261
        for word in words { hash = (hash ^ word) &* 16_777_619 }
        if !words.isEmpty {
            let rewritten = Int(hash >> 8) % words.count
            features[rewritten] = words[rewritten] &+ 0x0100_0000
        }
        return Prediction(
            ctrLogit: Float(hash & 0xFFFF) / 4096 - 8,
            cvrLogit: Float(hash >> 16) / 4096 - 8
        )
    }

    mutating func score(_ example: Example) {
        calls.append(.score(example))
    }

    mutating func train(_ example: Example, features: Span<UInt32>, text: Span<UInt8>) {
        var words: [UInt32] = []
        for index in features.indices { words.append(features[index]) }
        var bytes: [UInt8] = []
        for index in text.indices { bytes.append(text[index]) }
        calls.append(.train(example, features: words, text: bytes))
    }

    mutating func forgetCalls() {
        calls.removeAll()
    }
}
