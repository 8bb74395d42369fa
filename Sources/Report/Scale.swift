internal import Foundation

/// Where values lie along an axis, in units of the drawing.
public struct Scale: Equatable, Sendable {
    public enum Kind: Equatable, Sendable { case linear, logarithmic }

    public let kind: Kind
    public let domain: ClosedRange<Double>
    /// Where the domain's ends are drawn; the second may be the lesser, as upwards in SVG.
    public let start: Double
    public let end: Double

    /// - Parameter domain: Finite, and positive on a logarithmic scale; a single value is widened.
    public init(
        _ kind: Kind = .linear,
        domain: ClosedRange<Double>,
        from start: Double,
        to end: Double
    ) {
        precondition(domain.lowerBound.isFinite && domain.upperBound.isFinite, "a finite domain")
        precondition(kind == .linear || domain.lowerBound > 0, "a logarithm of a positive number")
        self.kind = kind
        self.start = start
        self.end = end
        if domain.lowerBound < domain.upperBound {
            self.domain = domain
        } else if kind == .logarithmic {
            self.domain = domain.lowerBound / 2...domain.lowerBound * 2
        } else {
            let margin = max(abs(domain.lowerBound) * 0.01, 1e-9)
            self.domain = domain.lowerBound - margin...domain.lowerBound + margin
        }
    }

    /// Where a value is drawn; beyond the ends if it is beyond the domain.
    public func position(_ value: Double) -> Double {
        let low = transformed(domain.lowerBound)
        let high = transformed(domain.upperBound)
        return start + (transformed(value) - low) / (high - low) * (end - start)
    }

    /// Where a value is drawn, or the end that it is beyond.
    public func clampedPosition(_ value: Double) -> Double {
        position(min(max(value, domain.lowerBound), domain.upperBound))
    }

    /// Round values within the domain, about as many as asked for: 1, 2 or 5 times a power of ten,
    /// evenly spaced; powers of ten on a logarithmic scale that spans a few of them.
    public func ticks(about count: Int) -> [Double] {
        if kind == .logarithmic {
            let first = Int(log10(domain.lowerBound).rounded(.up))
            let last = Int(log10(domain.upperBound).rounded(.down))
            if last - first >= 2 {
                let step = max(1, (last - first + 1) / max(count, 1))
                return stride(from: first, through: last, by: step).map { power($0) }
            }
            return (first - 1...max(first, last))
                .flatMap { exponent in [1, 2, 5].map { $0 * power(exponent) } }
                .filter(domain.contains)
        }
        let step = Self.roundStep(
            (domain.upperBound - domain.lowerBound) / Double(max(count, 1))
        )
        let first = (domain.lowerBound / step).rounded(.up)
        let last = (domain.upperBound / step).rounded(.down)
        guard last >= first, last - first < 1_000 else { return [] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    /// The least of 1, 2, 5 and 10 times a power of ten that is at least this.
    static func roundStep(_ step: Double) -> Double {
        let unit = pow(10, log10(step).rounded(.down))
        for multiple in [1.0, 2, 5] where multiple * unit >= step * (1 - 1e-9) {
            return multiple * unit
        }
        return 10 * unit
    }

    private func transformed(_ value: Double) -> Double {
        kind == .linear ? value : log10(value)
    }

    private func power(_ exponent: Int) -> Double { pow(10, Double(exponent)) }
}
