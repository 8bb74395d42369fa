/// How a number is given to an exported model.
enum NumericInput {
    /// A number of this magnitude, or none at all, is absent.
    static let missingMagnitude = Float.greatestFiniteMagnitude
    /// The greatest magnitude of one that is present.
    static let magnitudeMax = missingMagnitude.nextDown
}
