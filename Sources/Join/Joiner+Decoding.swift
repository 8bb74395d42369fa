internal import Events
public import StateCoding

extension Joiner {
    /// Restores what `encode` wrote, under this join's settings. On an error nothing has changed.
    /// - Throws: `StateError` when the bytes are truncated or contradict themselves, or exceed the
    ///   limits of the settings.
    public mutating func decode(from reader: inout StateReader) throws(StateError) {
        try decode(from: &reader) { $0 }
    }

    /// Likewise, with the features of every open impression replaced.
    /// - Parameter features: gives the words that take the place of an impression's; nil refuses them.
    public mutating func decode(
        from reader: inout StateReader,
        features: @escaping ([UInt32]) -> [UInt32]?
    ) throws(StateError) {
        var decoder = JoinDecoder(
            joiner: Joiner(settings: settings, partitionCount: ledger.partitionCount),
            reader: reader,
            features: features
        )
        try decoder.decode()
        self = decoder.joiner
        reader = decoder.reader
    }

    /// Whether the features of every open impression pass a check. The join takes features as words;
    /// what they must be only their schema says, so a decoded state is to be asked this.
    public func openFeatures(allSatisfy isValid: (Span<UInt32>) -> Bool) -> Bool {
        var slot = impressions.open.oldest
        while let current = slot {
            let impression = impressions.open[current]
            let valid = impressions.open.withRun(of: impression) { features, _ in
                isValid(features)
            }
            guard valid else { return false }
            slot = impressions.open.younger(than: current)
        }
        return true
    }
}
