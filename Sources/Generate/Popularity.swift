internal import Glibc

/// Zipf's law: the value of rank r (from 1) is drawn with a probability proportional to r^-exponent.
struct Popularity: Sendable {
    /// The probability of each value, [count].
    let share: [Double]
    /// The probability of that value or one before it, [count].
    private let cumulative: [Double]

    init(count: Int, exponent: Double) {
        let weights = (1...count).map { pow(Double($0), -exponent) }
        let total = weights.reduce(0, +)
        share = weights.map { $0 / total }
        var sum = 0.0
        cumulative = share.map {
            sum += $0
            return sum
        }
    }

    func draw(_ random: inout SplitMix64) -> Int {
        let point = random.uniform()
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] <= point { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
