/// A matrix transposed into panels of eight columns, so that a product reads it from front to end.
struct PanelMatrix {
    static let width = 8

    let rows: Int
    let columns: Int
    /// Panel after panel, row after row: element [row, 8 panel + lane].
    private let panels: [SIMD8<Float>]

    /// - Parameter element: where element [row, column] is in `values`.
    init(
        _ values: [Float],
        rows: Int,
        columns: Int,
        element: (_ row: Int, _ column: Int) -> Int
    ) {
        self.rows = rows
        self.columns = columns
        var panels: [SIMD8<Float>] = []
        panels.reserveCapacity((columns + Self.width - 1) / Self.width * rows)
        for first in stride(from: 0, to: columns, by: Self.width) {
            for row in 0..<rows {
                var lanes = SIMD8<Float>()
                for lane in 0..<min(Self.width, columns - first) {
                    lanes[lane] = values[element(row, first + lane)]
                }
                panels.append(lanes)
            }
        }
        self.panels = panels
    }

    /// left × self + bias, where left is [m, rows].
    /// - Parameter bias: one per column, or nil.
    func multiplied(by left: [Float], m: Int, bias: [Float]?) -> [Float] {
        var result = [Float](repeating: 0, count: m * columns)
        var output = result.mutableSpan
        let left = left.span
        for first in stride(from: 0, to: columns, by: Self.width) {
            let width = min(Self.width, columns - first)
            var start = SIMD8<Float>()
            if let bias { for lane in 0..<width { start[lane] = bias[first + lane] } }
            let panelStart = first / Self.width * rows
            let panel = panels.span.extracting(panelStart..<panelStart + rows)
            var row = 0
            while row + 4 <= m {
                var sums = (start, start, start, start)
                let (a, b, c, d) = (
                    left.extracting(row * rows..<(row + 1) * rows),
                    left.extracting((row + 1) * rows..<(row + 2) * rows),
                    left.extracting((row + 2) * rows..<(row + 3) * rows),
                    left.extracting((row + 3) * rows..<(row + 4) * rows)
                )
                for k in panel.indices {
                    let weights = panel[k]
                    sums.0 += weights * a[k]
                    sums.1 += weights * b[k]
                    sums.2 += weights * c[k]
                    sums.3 += weights * d[k]
                }
                for lane in 0..<width {
                    output[row * columns + first + lane] = sums.0[lane]
                    output[(row + 1) * columns + first + lane] = sums.1[lane]
                    output[(row + 2) * columns + first + lane] = sums.2[lane]
                    output[(row + 3) * columns + first + lane] = sums.3[lane]
                }
                row += 4
            }
            while row < m {
                var sum = start
                let a = left.extracting(row * rows..<(row + 1) * rows)
                for k in panel.indices { sum += panel[k] * a[k] }
                for lane in 0..<width { output[row * columns + first + lane] = sum[lane] }
                row += 1
            }
        }
        return result
    }
}

extension TensorValue {
    /// Gemm: a × b (or bᵀ) + c, with c one number per column.
    static func gemm(
        _ a: TensorValue,
        _ b: TensorValue,
        _ c: TensorValue?,
        transposesB: Bool
    ) throws(OperatorError) -> TensorValue {
        let (left, right) = (try a.floats(), try b.floats())
        guard a.shape.count == 2, b.shape.count == 2,
            a.shape[1] == b.shape[transposesB ? 1 : 0]
        else { throw OperatorError("cannot multiply \(a) and \(b)") }
        let (m, inner) = (a.shape[0], a.shape[1])
        let columns = b.shape[transposesB ? 0 : 1]
        if let c, c.shape != [columns] {
            throw OperatorError("cannot add \(c) to \(columns) columns")
        }
        let bias = try c?.floats()
        try checkedCount([m, columns])
        try checkedCount([inner, columns, PanelMatrix.width])
        let matrix = PanelMatrix(right, rows: inner, columns: columns) { row, column in
            transposesB ? column * inner + row : row * columns + column
        }
        return TensorValue([m, columns], .float(matrix.multiplied(by: left, m: m, bias: bias)))
    }

    /// MatMul of stacks of matrices: [stack, m, inner] × [stack, inner, columns].
    static func matMul(
        _ a: TensorValue,
        _ b: TensorValue
    ) throws(OperatorError) -> TensorValue {
        let (left, right) = (try a.floats(), try b.floats())
        guard a.shape.count == 3, b.shape.count == 3, a.shape[0] == b.shape[0],
            a.shape[2] == b.shape[1]
        else { throw OperatorError("cannot multiply \(a) and \(b)") }
        let (stack, m, inner, columns) = (a.shape[0], a.shape[1], a.shape[2], b.shape[2])
        var result = [Float](repeating: 0, count: try checkedCount([stack, m, columns]))
        var output = result.mutableSpan
        for index in 0..<stack {
            for row in 0..<m {
                let target = (index * m + row) * columns
                for k in 0..<inner {
                    let scale = left[(index * m + row) * inner + k]
                    let source = right.span.extracting(
                        (index * inner + k) * columns..<(index * inner + k + 1) * columns
                    )
                    for column in source.indices {
                        output[target + column] += scale * source[column]
                    }
                }
            }
        }
        return TensorValue([stack, m, columns], .float(result))
    }
}
