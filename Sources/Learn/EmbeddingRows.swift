internal import CKernels

/// The tables of neighbouring categorical or bucketed fields, all of embeddings or all of the linear
/// part: output = one row of each, one after the other.
struct EmbeddingRows {
    /// Of the fields, in their order.
    private var tables: [CTable] = []
    private(set) var output: Vector
    private let dimension: Int
    let part: Part

    var count: Int { tables.count }

    init(_ table: EmbeddingTable) {
        tables = [table.cTable]
        output = table.output
        dimension = table.output.count
        part = table.part
    }

    /// Adds the next field.
    mutating func append(_ table: EmbeddingTable) {
        precondition(table.output.offset == output.offset + output.count)
        precondition(table.part == part && table.output.count == dimension)
        tables.append(table.cTable)
        output = Vector(offset: output.offset, count: output.count + dimension)
    }

    func forward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.copy(rows, of: self)
    }

    /// dRow = dOutput
    func backward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.update(rows, of: self)
    }

    /// Lends the tables with as many rows, and the rows' size.
    func withTables<Result>(
        for rows: Span<UInt32>,
        _ body: (UnsafePointer<CTable>?, UnsafeBufferPointer<UInt32>, Int) -> Result
    ) -> Result {
        precondition(rows.count == tables.count)
        return unsafe tables.withUnsafeBufferPointer { tables in
            unsafe rows.withUnsafeBufferPointer { rows in
                unsafe body(tables.baseAddress, rows, dimension)
            }
        }
    }
}
