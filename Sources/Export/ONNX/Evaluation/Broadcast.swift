/// How operands of different shapes are walked together, by ONNX's (NumPy's) rule: shapes are aligned
/// at their ends, and a dimension of size 1 is repeated.
struct Broadcast {
    /// One loop: neighbouring dimensions that all operands walk alike are one.
    private struct Loop {
        var extent: Int
        /// How far each operand moves per turn.
        var strides: [Int]
    }

    /// Of the result.
    let shape: [Int]
    let count: Int
    /// The run: along it, each operand moves by 1 or stands still.
    private let inner: Loop
    /// Around the run, innermost first.
    private let outer: [Loop]

    init(_ shapes: [Int]...) throws(OperatorError) {
        let rank = shapes.map(\.count).max() ?? 0
        let aligned = shapes.map { Array(repeating: 1, count: rank - $0.count) + $0 }
        var shape = Array(repeating: 1, count: rank)
        for axis in 0..<rank {
            for operand in aligned where operand[axis] != 1 {
                guard shape[axis] == 1 || shape[axis] == operand[axis] else {
                    throw OperatorError("is given \(shapes), which do not go together")
                }
                shape[axis] = operand[axis]
            }
        }
        self.shape = shape
        count = try TensorValue.checkedCount(shape)

        var loops: [Loop] = []
        var sizes = Array(repeating: 1, count: shapes.count)
        for axis in (0..<rank).reversed() where shape[axis] != 1 {
            var strides: [Int] = []
            for operand in shapes.indices {
                strides.append(aligned[operand][axis] == 1 ? 0 : sizes[operand])
                sizes[operand] *= aligned[operand][axis]
            }
            if let last = loops.last, strides == last.strides.map({ $0 * last.extent }) {
                loops[loops.count - 1].extent *= shape[axis]
            } else {
                loops.append(Loop(extent: shape[axis], strides: strides))
            }
        }
        let still = Array(repeating: 0, count: shapes.count)
        inner = loops.first ?? Loop(extent: 1, strides: still)
        outer = Array(loops.dropFirst())
    }

    /// Calls `body` with the start of each run in the result and in the operands.
    @inline(__always)
    private func forEachRun(_ body: (_ output: Int, _ starts: [Int]) -> Void) {
        guard count > 0 else { return }
        var starts = Array(repeating: 0, count: inner.strides.count)
        var turns = Array(repeating: 0, count: outer.count)
        var output = 0
        while true {
            body(output, starts)
            output += inner.extent
            var level = 0
            while level < outer.count {
                let loop = outer[level]
                turns[level] += 1
                for operand in starts.indices { starts[operand] += loop.strides[operand] }
                if turns[level] < loop.extent { break }
                for operand in starts.indices {
                    starts[operand] -= loop.strides[operand] * loop.extent
                }
                turns[level] = 0
                level += 1
            }
            if level == outer.count { return }
        }
    }

    /// Combines two operands of the first two shapes, element by element.
    @inline(__always)
    func combine<A: BitwiseCopyable, B: BitwiseCopyable, Result: BitwiseCopyable>(
        _ a: [A],
        _ b: [B],
        _ operation: (A, B) -> Result
    ) -> [Result] {
        let (extent, strides) = (inner.extent, inner.strides)
        return unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe [Result](unsafeUninitializedCapacity: count) { output, initialized in
                    forEachRun { start, starts in
                        let out = unsafe output.baseAddress! + start
                        let a = unsafe a.baseAddress! + starts[0]
                        let b = unsafe b.baseAddress! + starts[1]
                        if strides[0] == 0 {
                            let first = unsafe a[0]
                            for index in 0..<extent {
                                unsafe out[index] = operation(first, b[index * strides[1]])
                            }
                        } else if strides[1] == 0 {
                            let second = unsafe b[0]
                            for index in 0..<extent {
                                unsafe out[index] = operation(a[index], second)
                            }
                        } else {
                            for index in 0..<extent {
                                unsafe out[index] = operation(a[index], b[index])
                            }
                        }
                    }
                    initialized = count
                }
            }
        }
    }

    /// The first of three operands chooses between the others.
    func choose<Element: BitwiseCopyable>(
        _ isFirst: [Bool],
        _ first: [Element],
        _ second: [Element]
    ) -> [Element] {
        let (extent, strides) = (inner.extent, inner.strides)
        var result: [Element] = []
        result.reserveCapacity(count)
        forEachRun { _, starts in
            for index in 0..<extent {
                result.append(
                    isFirst[starts[0] + index * strides[0]]
                        ? first[starts[1] + index * strides[1]]
                        : second[starts[2] + index * strides[2]]
                )
            }
        }
        return result
    }
}
