internal import Events

extension JoinState {
    func openFeatures(allSatisfy isValid: (Span<UInt32>) -> Bool) -> Bool {
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
