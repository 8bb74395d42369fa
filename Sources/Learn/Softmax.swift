#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension NetworkMemory {
    /// g_i = exp(z_i) / Σ_j exp(z_j), in place.
    mutating func softmax(_ vector: Vector) {
        let range = vector.offset..<vector.offset + vector.count
        var greatest = -Float.infinity
        for index in range { greatest = max(greatest, activations[index]) }
        var sum: Float = 0
        for index in range {
            let value = exp(activations[index] - greatest)
            activations[index] = value
            sum += value
        }
        for index in range { activations[index] /= sum }
    }

    /// dz_i = g_i (dg_i − Σ_j g_j dg_j), in place.
    mutating func softmaxBackward(_ vector: Vector) {
        let range = vector.offset..<vector.offset + vector.count
        var mean: Float = 0
        for index in range { mean += activations[index] * gradients[index] }
        for index in range {
            gradients[index] = activations[index] * (gradients[index] - mean)
        }
    }
}
