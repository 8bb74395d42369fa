internal import Configure
internal import Decode
internal import Events
internal import Foundation
internal import Learn

/// Made-up impressions of a schema, the same ones every time: what recent ones may not show. The first
/// eight are the edges (nothing present, null, empty and long lists, numbers at the buckets' bounds, text
/// beyond ASCII, the greatest integers), the others vary everything.
struct SyntheticImpressions {
    static let count = 64

    let configuration: Configuration
    let statistics: NumericStatistics

    /// The record of an impression, as a producer would write it.
    func record(_ index: Int) throws -> [UInt8] {
        var features: [String: Any] = [:]
        var number = 0
        for (place, field) in configuration.schema.fields.enumerated() {
            var variation = Variation(seed: UInt64(index) << 32 | UInt64(place))
            switch field.kind {
            case .categorical:
                features[field.name] = value(index, field, &variation)
            case .list:
                features[field.name] = list(index, field, &variation)
            case .numeric:
                let moments = statistics.moments[number]
                number += 1
                let deviation = max(moments.variance.squareRoot(), 1e-3)
                features[field.name] = self.number(index) {
                    moments.mean + deviation * (variation.unit() * 8 - 4)
                }
            case .bucketed(let boundaries):
                features[field.name] = self.number(index) {
                    let boundary = Double(boundaries[variation.below(boundaries.count)])
                    return index % 2 == 0 ? boundary : boundary + variation.unit() - 0.5
                }
            }
        }
        let keys = configuration.decode.impressions
        let record: [String: Any] = [keys.id: "synthetic-\(index)", keys.features: features]
        return Array(try JSONSerialization.data(withJSONObject: record, options: .sortedKeys))
    }

    /// nil: absent.
    private func value(
        _ index: Int,
        _ field: FeatureField,
        _ variation: inout Variation
    ) -> Any? {
        switch index {
        case 0: return nil
        case 1: return NSNull()
        case 2: return "grün – 绿色 🟢 \u{0}\"\\"
        case 3: return Int64.max
        case 4: return Int64.min
        case 5: return "712"
        case 6: return 712
        case 7: return ""
        default:
            if variation.below(8) == 0 { return nil }
            let number = variation.below(1_000_000)
            return variation.below(2) == 0 ? "\(field.name)-\(number)" : number
        }
    }

    private func list(
        _ index: Int,
        _ field: FeatureField,
        _ variation: inout Variation
    ) -> Any? {
        switch index {
        case 0: return nil
        case 1: return NSNull()
        case 2: return [Any]()
        case 3: return (0..<300).map { _ in variation.below(100) }
        case 4: return ["a", 1, "a", "1"] as [Any]
        default:
            let length = variation.below(12)
            return length == 11 ? nil : (0..<length).map { _ in variation.below(1_000_000) }
        }
    }

    private func number(_ index: Int, _ usual: () -> Double) -> Any? {
        switch index {
        case 0: return nil
        case 1: return NSNull()
        case 2: return 0
        case 3: return 1e30
        case 4: return -1e30
        default: return usual()
        }
    }
}

/// A sequence that looks random and is always the same: XXH64 of a counter.
private struct Variation {
    private let seed: UInt64
    private var count: UInt64 = 0

    init(seed: UInt64) { self.seed = seed }

    private mutating func next() -> UInt64 {
        count += 1
        let bytes: [UInt8] = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        return xxHash64(bytes.span, seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }

    /// From 0 to 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
