internal import Foundation

/// Numbers for people.
enum NumberText {
    /// 1234567 as 1,234,567.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "−" : "") + String(text.reversed())
    }

    /// A weight, which counts impressions unless some weigh more or less than 1.
    static func grouped(_ weight: Double) -> String {
        abs(weight) < 1e15 ? grouped(Int(weight.rounded())) : String(format: "%g", weight)
    }

    static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard abs(number) < 1e9 else { return String(format: "%.3g", number) }
        return String(format: "%.\(decimals)f", number).replacingOccurrences(of: "-", with: "−")
    }

    /// With its sign, whichever it is; zero has none.
    static func signed(_ number: Double, _ decimals: Int) -> String {
        (number > 0 ? "+" : "") + fixed(number, decimals)
    }

    /// A share in percent, with as many decimals as it takes to see that it is not 0 or 100 %.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        switch abs(percent) {
        case 0: return "0 %"
        case 100: return "100 %"
        case 99.995..<100: return "> 99.99 %"
        case 99.9..<100: return fixed(percent, 2) + " %"
        case ..<0.01: return String(format: "%.1e %%", percent)
        case ..<0.1: return fixed(percent, 3) + " %"
        case ..<1: return fixed(percent, 2) + " %"
        default: return fixed(percent, 1) + " %"
        }
    }

    /// A tick in percent: a round number without needless decimals.
    static func percentTick(_ share: Double) -> String {
        String(format: "%g", (share * 1e10).rounded() / 1e8) + " %"
    }

    /// The tick of an axis whose ticks are this far apart.
    static func tick(_ number: Double, step: Double) -> String {
        fixed(number, step > 0 ? min(8, max(0, Int((-log10(step) - 1e-9).rounded(.up)))) : 0)
    }
}
