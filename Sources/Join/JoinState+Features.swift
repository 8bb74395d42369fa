internal import Events

extension JoinState {
    func openFeatures(allSatisfy isValid: (Span<UInt32>) -> Bool) -> Bool {
        impressions.open.visit { tracked in
            impressions.open.withRun(tracked.impression.run) { features, _ in isValid(features) }
        }
    }
}
