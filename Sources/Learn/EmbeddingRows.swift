/// The tables of neighbouring categorical or bucketed fields, all of embeddings or all of the linear
/// part: output = one row of each, one after the other.
struct EmbeddingRows {
    /// Where the fields' tables are among those of the part, in their order.
    private(set) var places: Range<Int>
    private(set) var output: Vector
    let dimension: Int
    let part: Part

    var count: Int { places.count }

    init(_ table: EmbeddingTable, layout: inout NetworkLayout) {
        let place = layout.addTable(table.cTable, of: table.part)
        places = place..<place + 1
        output = table.output
        dimension = table.output.count
        part = table.part
    }

    /// Adds the next field.
    mutating func append(_ table: EmbeddingTable, layout: inout NetworkLayout) {
        precondition(table.output.offset == output.offset + output.count)
        precondition(table.part == part && table.output.count == dimension)
        let place = layout.addTable(table.cTable, of: part)
        precondition(place == places.upperBound)
        places = places.lowerBound..<place + 1
        output = Vector(offset: output.offset, count: output.count + dimension)
    }

    func forward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.copy(rows, of: self)
    }

    /// dRow = dOutput
    func backward(_ memory: inout NetworkMemory, rows: Span<UInt32>) {
        memory.update(rows, of: self)
    }
}
