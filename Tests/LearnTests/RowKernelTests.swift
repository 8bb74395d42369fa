import CKernels
import Testing

/// The kernels over embedding rows against loops that anyone can read, in Double.
@Suite("Row kernels")
struct RowKernelTests {
    static let dimensions = [1, 2, 8, 11, 24]
    /// Three tables behind each other, of 5, 1 and 7 rows, with a gap before each.
    private static func tables(_ dimension: Int) -> [CTable] {
        [
            CTable(offset: 3, rows: 5), CTable(offset: 6 + 5 * dimension, rows: 1),
            CTable(offset: 9 + 6 * dimension, rows: 7),
        ]
    }
    private static func size(_ dimension: Int) -> Int { 9 + 13 * dimension }
    private let rows: [UInt32] = [4, 0, 6]

    @Test("one row of each table is copied", arguments: dimensions)
    func copy(dimension: Int) {
        for path in LayerKernelTests.paths {
            var random = NetworkTestRandom(seed: UInt64(dimension))
            let parameters = random.floats(Self.size(dimension))
            let tables = Self.tables(dimension)
            var output = guarded(3 * dimension)
            let isValid = unsafe ckernels_copy_rows(
                path,
                parameters,
                tables,
                rows,
                &output,
                3,
                dimension
            )
            #expect(isValid)
            expectGuard(output, 3 * dimension)
            for (i, row) in rows.enumerated() {
                let start = tables[i].offset + Int(row) * dimension
                let expected = parameters[start..<start + dimension]
                #expect(output[i * dimension..<(i + 1) * dimension] == expected, "\(path)")
            }
        }
    }

    @Test("one row of each table moves by its gradient, and nothing else", arguments: dimensions)
    func update(dimension: Int) {
        for (path, rule) in LayerKernelTests.cases {
            var random = NetworkTestRandom(seed: UInt64(dimension))
            var naive = NaiveParameters(count: Self.size(dimension), random: &random)
            let gradient = random.floats(3 * dimension)
            let tables = Self.tables(dimension)
            var memory = naive.guardedFloats
            var rule = rule
            unsafe memory.withParameters { parameters in
                let isValid = unsafe ckernels_update_rows(
                    path,
                    &rule,
                    parameters,
                    tables,
                    rows,
                    gradient,
                    3,
                    dimension
                )
                #expect(isValid)
            }
            for (i, row) in rows.enumerated() {
                for k in 0..<dimension {
                    let index = tables[i].offset + Int(row) * dimension + k
                    naive.update(index, rule, gradient: Double(gradient[i * dimension + k]))
                }
            }
            naive.expect(memory, "\(path) \(rule.method)")
        }
    }

    @Test("rows of one table are pooled, none to zeros", arguments: dimensions)
    func pool(dimension: Int) {
        for path in LayerKernelTests.paths {
            for rows: [UInt32] in [[], [6], [1, 1, 5, 0]] {
                var random = NetworkTestRandom(seed: UInt64(dimension))
                let parameters = random.floats(Self.size(dimension))
                let table = Self.tables(dimension)[2]
                var output = guarded(dimension)
                let isValid = unsafe ckernels_pool_rows(
                    path,
                    parameters,
                    table,
                    rows,
                    0.3,
                    &output,
                    rows.count,
                    dimension
                )
                #expect(isValid)
                expectGuard(output, dimension)
                for k in 0..<dimension {
                    let sum = rows.reduce(0.0) {
                        $0 + Double(parameters[table.offset + Int($1) * dimension + k])
                    }
                    #expect(abs(Double(output[k]) - 0.3 * sum) < 1e-6, "\(path)")
                }
            }
        }
    }

    @Test("pooled rows move by the gradient, each with its scale", arguments: dimensions)
    func updatePooled(dimension: Int) {
        for (path, rule) in LayerKernelTests.cases {
            var random = NetworkTestRandom(seed: UInt64(dimension))
            var naive = NaiveParameters(count: Self.size(dimension), random: &random)
            let gradient = random.floats(dimension)
            let table = Self.tables(dimension)[2]
            let scales: [Float] = [0.25, 0.5, 0.75]
            let rows: [UInt32] = [5, 0, 6]
            var memory = naive.guardedFloats
            var rule = rule
            unsafe memory.withParameters { parameters in
                let isValid = unsafe ckernels_update_pooled_rows(
                    path,
                    &rule,
                    parameters,
                    table,
                    rows,
                    scales,
                    gradient,
                    3,
                    dimension
                )
                #expect(isValid)
            }
            for (row, scale) in zip(rows, scales) {
                for k in 0..<dimension {
                    let index = table.offset + Int(row) * dimension + k
                    naive.update(index, rule, gradient: Double(scale) * Double(gradient[k]))
                }
            }
            naive.expect(memory, "\(path) \(rule.method)")
        }
    }

    @Test("a row that is not in its table is refused, and nothing is touched")
    func beyond() {
        for (path, rule) in LayerKernelTests.cases {
            var random = NetworkTestRandom(seed: 7)
            let naive = NaiveParameters(count: Self.size(8), random: &random)
            let gradient = random.floats(24)
            let tables = Self.tables(8)
            var output = guarded(24)
            var rule = rule
            for rows: [UInt32] in [[5, 0, 0], [0, 1, 0], [0, 0, .max]] {
                var memory = naive.guardedFloats
                unsafe memory.withParameters { p in
                    let isCopied = unsafe ckernels_copy_rows(
                        path,
                        p.weights,
                        tables,
                        rows,
                        &output,
                        3,
                        8
                    )
                    let isUpdated = unsafe ckernels_update_rows(
                        path,
                        &rule,
                        p,
                        tables,
                        rows,
                        gradient,
                        3,
                        8
                    )
                    let isPrefetched = unsafe ckernels_prefetch_rows(p, tables, rows, 3, 8)
                    #expect(!isCopied && !isUpdated && !isPrefetched)
                }
                let isUntouched = output[..<24].allSatisfy { $0 == 0 }
                #expect(isUntouched)
                #expect(memory.w == naive.guardedFloats.w)
            }
            var memory = naive.guardedFloats
            unsafe memory.withParameters { p in
                let isPooled = unsafe ckernels_pool_rows(
                    path,
                    p.weights,
                    tables[1],
                    [1],
                    1,
                    &output,
                    1,
                    8
                )
                let isUpdated = unsafe ckernels_update_pooled_rows(
                    path,
                    &rule,
                    p,
                    tables[1],
                    [1],
                    [1],
                    gradient,
                    1,
                    8
                )
                #expect(!isPooled && !isUpdated)
                let isPrefetched = unsafe ckernels_prefetch_pooled_rows(p, tables[1], [1], 1, 8)
                #expect(!isPrefetched)
            }
            #expect(memory.w == naive.guardedFloats.w)
        }
    }
}
