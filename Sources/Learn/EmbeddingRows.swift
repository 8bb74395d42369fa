internal import CKernels

/// The embeddings of neighbouring categorical or bucketed fields: output = one row of each field's
/// table, one after the other, as the trunk's input has them.
struct EmbeddingRows {
    /// Of the fields, in their order.
    private var tables: [CTable] = []
    private(set) var output: Vector
    private let dimension: Int

    var count: Int { tables.count }

    init(_ table: EmbeddingTable) {
        tables = [table.cTable]
        output = table.output
        dimension = table.output.count
    }

    /// Adds the next field.
    mutating func append(_ table: EmbeddingTable) {
        precondition(table.output.offset == output.offset + output.count)
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
