/// Rows of text in columns, the first to the left, numbers to the right.
struct TextTable {
    enum Alignment { case left, right }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: [(String, Alignment)]) {
        self.columns = columns.map { (title: $0.0, alignment: $0.1) }
    }

    /// A row may have fewer cells than there are columns; a last cell that has none takes all the room.
    mutating func append(_ cells: [String]) { rows.append(cells) }

    var lines: [String] {
        let widths = columns.indices.map { column in
            rows.filter {
                $0.count > column && ($0.count > column + 1 || $0.count == columns.count)
            }
            .reduce(columns[column].title.count) { max($0, $1[column].count) }
        }
        return ([columns.map(\.title)] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
                line += column > 0 ? "  " : ""
                line += columns[column].alignment == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    var text: String { lines.joined(separator: "\n") }
}
