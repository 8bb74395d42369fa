internal import Events

/// The example that will probably be trained next. Its forward pass is made together with that of an
/// impression that arrives before, in one pass over the weights, and holds until they change.
struct ExpectedExample {
    private(set) var words: [UInt32] = []
    /// Whether there is one whose forward pass is still to be made.
    private(set) var isPending = false
    /// Of its forward pass, which the expected activations are of.
    private var prediction: Prediction?

    mutating func expect(_ features: Span<UInt32>) {
        if prediction != nil, isSame(features) { return }
        words.removeAll(keepingCapacity: true)
        for index in features.indices { words.append(features[index]) }
        prediction = nil
        isPending = true
    }

    mutating func predicted(_ prediction: Prediction) {
        self.prediction = prediction
        isPending = false
    }

    /// What was predicted for these features, if they are those that were expected.
    func prediction(for features: Span<UInt32>) -> Prediction? {
        isSame(features) ? prediction : nil
    }

    /// The weights have changed.
    mutating func clear() {
        prediction = nil
        isPending = false
    }

    private func isSame(_ features: Span<UInt32>) -> Bool {
        guard features.count == words.count else { return false }
        for index in words.indices where words[index] != features[index] { return false }
        return true
    }
}
