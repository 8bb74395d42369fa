internal import StateCoding

/// Weights of positives and negatives in bins of the calibrated logit, for the AUC.
///
/// Bin i holds i·2⁻ᵏ ≤ logit < (i+1)·2⁻ᵏ, with the same k for all bins. It starts fine and is halved
/// in resolution whenever the occupied range outgrows `binCount` bins, so that the spread of the
/// predictions, wide or narrow, is always divided finely. What is held depends on the range and not
/// on the order of the logits, but for the rounding of sums.
struct LogitHistogram: Equatable, Sendable {
    /// Bins between the least and the greatest logit, at most.
    static let binCount = 4096
    /// Logits beyond ±64, that is probabilities within 10⁻²⁷ of 0 or 1, share the outermost bins.
    private static let limit = 64.0
    private static let finest: Int8 = 20
    /// At 2⁻⁵ the whole range is 4096 bins.
    private static let coarsest: Int8 = 5

    /// k
    private var exponent = LogitHistogram.finest
    private var lowest = 0
    private var highest = -1
    /// [binCount, 2]: of bin i, at i mod binCount, the weights of positives and of negatives; empty
    /// until the first one.
    private var masses: [Double] = []

    var isEmpty: Bool { masses.isEmpty }

    /// - Parameter weight: finite; nothing is added unless it is positive.
    mutating func add(logit: Double, isPositive: Bool, weight: Double) {
        guard weight > 0 else { return }
        let clamped = min(max(logit, -Self.limit), Self.limit.nextDown)
        let scale = Double(1 << Int(exponent))
        let bin = include(Int((clamped * scale).rounded(.down)))
        masses[slot(bin) + (isPositive ? 0 : 1)] += weight
    }

    mutating func merge(_ other: LogitHistogram) {
        guard !other.isEmpty else { return }
        guard !isEmpty else {
            self = other
            return
        }
        if exponent > other.exponent { coarsen(by: exponent - other.exponent) }
        for otherBin in other.lowest...other.highest {
            let from = other.slot(otherBin)
            guard other.masses[from] > 0 || other.masses[from + 1] > 0 else { continue }
            // `exponent` may fall under way.
            let bin = include(otherBin >> Int(other.exponent - exponent))
            masses[slot(bin)] += other.masses[from]
            masses[slot(bin) + 1] += other.masses[from + 1]
        }
    }

    /// Where the bin's masses begin.
    private func slot(_ bin: Int) -> Int {
        (bin & (Self.binCount - 1)) * 2
    }

    /// Makes room for a bin, and returns what it is called at the resolution that this leaves.
    private mutating func include(_ bin: Int) -> Int {
        if masses.isEmpty {
            masses = Array(repeating: 0, count: Self.binCount * 2)
            (lowest, highest) = (bin, bin)
        }
        if bin >= lowest, bin <= highest { return bin }
        var shift: Int8 = 0
        while max(bin, highest) >> Int(shift) - min(bin, lowest) >> Int(shift) >= Self.binCount {
            shift += 1
        }
        if shift > 0 { coarsen(by: shift) }
        let coarse = bin >> Int(shift)
        lowest = min(lowest, coarse)
        highest = max(highest, coarse)
        return coarse
    }

    /// Joins 2^`shift` bins to one.
    private mutating func coarsen(by shift: Int8) {
        var coarse = Array(repeating: 0.0, count: masses.count)
        for bin in lowest...highest {
            let from = slot(bin)
            let to = slot(bin >> Int(shift))
            coarse[to] += masses[from]
            coarse[to + 1] += masses[from + 1]
        }
        masses = coarse
        exponent -= shift
        lowest >>= Int(shift)
        highest >>= Int(shift)
    }
}

extension LogitHistogram {
    /// The probability that a positive has a greater logit than a negative, ties counting half; nil
    /// without both.
    var auc: Double? {
        guard !isEmpty else { return nil }
        var positives = 0.0
        var negatives = 0.0
        var pairs = 0.0
        for bin in lowest...highest {
            let positive = masses[slot(bin)]
            let negative = masses[slot(bin) + 1]
            pairs += positive * (negatives + negative / 2)
            positives += positive
            negatives += negative
        }
        guard positives > 0, negatives > 0 else { return nil }
        return pairs / positives / negatives
    }

    /// At most `count` groups of about equal weight in ascending order of prediction, cut between
    /// bins. A bin's predictions are taken for its middle.
    func reliability(groups count: Int) -> [ReliabilityGroup] {
        guard !isEmpty else { return [] }
        let width = 1 / Double(1 << Int(exponent))
        let total = masses.reduce(0, +)
        var groups: [ReliabilityGroup] = []
        groups.reserveCapacity(count)
        var group = ReliabilityGroup()
        var passed = 0.0
        for bin in lowest...highest {
            let positive = masses[slot(bin)]
            let mass = positive + masses[slot(bin) + 1]
            group.weight += mass
            group.actual += positive
            group.predicted += mass * LogDomain.sigmoid((Double(bin) + 0.5) * width)
            passed += mass
            let isDue = passed >= total * Double(groups.count + 1) / Double(count)
            if group.weight > 0, isDue || bin == highest {
                groups.append(group)
                group = ReliabilityGroup()
            }
        }
        return groups
    }
}

extension LogitHistogram: StateCodable {
    func encode(to writer: inout StateWriter) {
        let occupied = (lowest..<highest + 1).filter {
            masses[slot($0)] > 0 || masses[slot($0) + 1] > 0
        }
        writer.write(exponent)
        writer.write(UInt32(occupied.count))
        for bin in occupied {
            writer.write(Int32(bin))
            writer.write(masses[slot(bin)])
            writer.write(masses[slot(bin) + 1])
        }
    }

    mutating func decode(from reader: inout StateReader) throws(StateError) {
        self = LogitHistogram()
        exponent = try reader.read()
        guard exponent >= Self.coarsest, exponent <= Self.finest else {
            throw StateError("histogram resolution \(exponent) is out of range")
        }
        let bound = Int(Self.limit) << Int(exponent)
        let count = try reader.readCount(of: UInt32.self, elementSize: 20)
        var previous = Int.min
        for _ in 0..<count {
            let bin = Int(try reader.read(Int32.self))
            let positive = try reader.read(Double.self)
            let negative = try reader.read(Double.self)
            guard bin > previous, bin >= -bound, bin < bound,
                isEmpty || bin - lowest < Self.binCount
            else { throw StateError("histogram bin \(bin) is out of order or range") }
            guard positive >= 0, negative >= 0, positive + negative > 0,
                positive + negative <= Metrics.sumMax
            else { throw StateError("the weight in histogram bin \(bin) is out of range") }
            let at = slot(include(bin))
            masses[at] = positive
            masses[at + 1] = negative
            previous = bin
        }
    }
}
