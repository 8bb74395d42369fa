internal import CKernels

/// Which machine code the network's loops run on. The paths agree to rounding, not to the bit.
public enum KernelPath: String, CaseIterable, Sendable {
    /// C as the formulas say, one number at a time: what the others are held against.
    case scalar
    /// C for any processor.
    case portable
    /// x86-64 with AVX2 and FMA.
    case avx2 = "avx2-fma"

    /// Whether this processor can run the path.
    public var isSupported: Bool { ckernels_supports(kernel) }

    /// The fastest path that this processor can run.
    public static var fastest: KernelPath { avx2.isSupported ? .avx2 : .portable }

    /// Two networks whose paths have the same signature compute the same to the bit. Processors
    /// approximate reciprocal square roots differently, hence more than the path's name.
    public var signature: String {
        switch self {
        case .scalar, .portable: rawValue
        case .avx2:
            rawValue + "-" + String(ckernels_reciprocal_root_signature(), radix: 16)
        }
    }

    var kernel: CKernelPath {
        switch self {
        case .scalar: .scalar
        case .portable: .portable
        case .avx2: .AVX2
        }
    }
}
