internal import CKernels

/// One named tensor among the parameters.
public struct Tensor: Equatable, Sendable {
    /// As in safetensors: "expert.0.0.weight".
    public let name: String
    /// [outputs, inputs], [rows, dimension] or [outputs]; row-major.
    public let shape: [Int]
    /// Where its values are in the parameters.
    public let range: Range<Int>
}

/// Where a matrix lies in the parameters, [rows, columns], row-major. A bias has one row.
struct Matrix {
    let offset: Int
    let rows: Int
    let columns: Int

    var count: Int { rows * columns }
}

/// Where a vector lies in the activations; its gradient lies at the same place in the gradients.
struct Vector {
    let offset: Int
    let count: Int

    subscript(range: Range<Int>) -> Vector {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return Vector(offset: offset + range.lowerBound, count: range.count)
    }

    /// The `index`-th of the equal parts of `size` that the vector consists of.
    func part(_ index: Int, size: Int) -> Vector {
        self[index * size..<(index + 1) * size]
    }
}

/// The parts of the network that have a learning rate of their own.
enum Part {
    case embedding, wide, dense
}

/// The tables of embeddings and those of the linear part, which go by the same rows.
struct PartTables {
    private var embedding: [CTable] = []
    private var wide: [CTable] = []

    /// Lends the tables of a part.
    @inline(__always)
    func withTables<Result>(
        of part: Part,
        _ body: (UnsafeBufferPointer<CTable>) -> Result
    ) -> Result {
        switch part {
        case .embedding: unsafe embedding.withUnsafeBufferPointer(body)
        case .wide: unsafe wide.withUnsafeBufferPointer(body)
        case .dense: preconditionFailure("dense layers have no tables")
        }
    }

    /// Returns the place of the new table among those of its part.
    mutating func append(_ table: CTable, of part: Part) -> Int {
        switch part {
        case .embedding:
            embedding.append(table)
            return embedding.count - 1
        case .wide:
            wide.append(table)
            return wide.count - 1
        case .dense: preconditionFailure("dense layers have no tables")
        }
    }
}

/// Gives every layer its place in the parameters and in the activations, before either exists.
struct NetworkLayout {
    struct Entry {
        let tensor: Tensor
        let part: Part
        let start: StartingValues
    }

    private(set) var entries: [Entry] = []
    private(set) var parameterCount = 0
    private(set) var activationCount = 0
    /// The tables of fields with one row each, in the order of the fields.
    private(set) var tables = PartTables()

    private static let alignment = FloatBuffer.alignment / MemoryLayout<Float>.stride

    /// Tensors of one shape [rows, columns], or [columns], stacked by rows to one matrix.
    mutating func addMatrix(
        _ names: [String],
        shape: [Int],
        part: Part,
        start: StartingValues
    ) -> Matrix {
        precondition((1...2).contains(shape.count) && shape.allSatisfy { $0 > 0 })
        align(&parameterCount)
        let offset = parameterCount
        let size = shape.reduce(1, *)
        for name in names {
            let range = parameterCount..<parameterCount + size
            let tensor = Tensor(name: name, shape: shape, range: range)
            entries.append(Entry(tensor: tensor, part: part, start: start))
            parameterCount += size
        }
        let columns = shape[shape.count - 1]
        return Matrix(offset: offset, rows: names.count * size / columns, columns: columns)
    }

    mutating func addVector(_ count: Int) -> Vector {
        align(&activationCount)
        defer { activationCount += count }
        return Vector(offset: activationCount, count: count)
    }

    /// Adds to `tables`; returns where.
    mutating func addTable(_ table: CTable, of part: Part) -> Int {
        tables.append(table, of: part)
    }

    private func align(_ count: inout Int) {
        count = (count + Self.alignment - 1) / Self.alignment * Self.alignment
    }
}
