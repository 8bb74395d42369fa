internal import Glibc

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): 64 bits of state, one number per step.
///
/// Every impression draws from generators of its own, seeded by its number, so that switching an
/// option on leaves everything alone that the option does not touch.
struct SplitMix64: Sendable, BitwiseCopyable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The generator of purpose `purpose` of the thing numbered `number`.
    init(seed: UInt64, purpose: Purpose, number: Int = 0) {
        let family = Self.mixed(seed &+ 0x9e37_79b9_7f4a_7c15) ^ purpose.rawValue
        state = Self.mixed(Self.mixed(family) &+ UInt64(bitPattern: Int64(number)))
    }

    /// What randomness is needed for; each has a sequence of its own.
    enum Purpose: UInt64 {
        case population = 1
        case truth, shiftedTruth, calibration
        case impression, newAdImpression, outcome, newAdOutcome, conversion, flaws, newAdFlaws
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    /// Uniform in [0, 1).
    mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Uniform in 0..<`bound`.
    mutating func integer(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    mutating func exponential(mean: Double) -> Double {
        -log(1 - uniform()) * mean
    }

    /// Standard normal, by Box and Muller.
    mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
