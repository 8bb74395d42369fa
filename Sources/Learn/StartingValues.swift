#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What a tensor holds before anything is learned.
enum StartingValues {
    case constant(Float)
    /// N(0, deviation²)
    case normal(deviation: Float)
    /// U(−limit, limit)
    case uniform(limit: Float)

    /// He et al., ICCV 2015: keeps the variance through ReLU layers.
    static func heUniform(inputs: Int) -> Self {
        .uniform(limit: (6 / Float(inputs)).squareRoot())
    }
}

extension FloatBuffer {
    mutating func fill(
        _ range: Range<Int>,
        with start: StartingValues,
        from random: inout SplitMix64
    ) {
        switch start {
        case .constant(let value):
            fill(range, with: value)
        case .uniform(let limit):
            for index in range { self[index] = limit * Float(random.nextSymmetric()) }
        case .normal(let deviation):
            var index = range.lowerBound
            while index < range.upperBound {
                let (first, second) = random.nextNormalPair()
                self[index] = deviation * Float(first)
                if index + 1 < range.upperBound { self[index + 1] = deviation * Float(second) }
                index += 2
            }
        }
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in (−1, 1), never 0.
    mutating func nextSymmetric() -> Double {
        Double(Int64(next() >> 11) * 2 + 1 - (1 << 53)) * 0x1p-53
    }

    /// Two independent standard normal values, by Marsaglia's polar method.
    mutating func nextNormalPair() -> (Double, Double) {
        while true {
            let x = nextSymmetric()
            let y = nextSymmetric()
            let square = x * x + y * y
            if square < 1 {
                let scale = (-2 * log(square) / square).squareRoot()
                return (x * scale, y * scale)
            }
        }
    }
}
