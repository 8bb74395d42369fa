/// A divisor whose remainders cost two multiplications: one division per feature value would cost more
/// than the value's hash.
struct Divisor {
    private let divisor: UInt64
    private let reciprocal: UInt64

    init(_ divisor: UInt64) {
        precondition(divisor > 0)
        self.divisor = divisor
        reciprocal = .max / divisor
    }

    /// number mod divisor.
    @inline(__always)
    func remainder(of number: UInt64) -> UInt64 {
        // reciprocal is 2^64 / divisor less at most 1, so the quotient is right or too small by one.
        let quotient = number.multipliedFullWidth(by: reciprocal).high
        let remainder = number &- quotient &* divisor
        return remainder >= divisor ? remainder &- divisor : remainder
    }
}
