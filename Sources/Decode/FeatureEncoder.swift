internal import Events

/// Encodes an impression's features as the words that `FeatureSchema` describes, in the schema's order
/// whatever their order in the record.
struct FeatureEncoder {
    /// What encoding needs to know of a field, flat, so that the loop touches no reference counts.
    private struct Field {
        enum Kind { case categorical, list, numeric, bucketed }

        var kind: Kind
        var slot: Int
        var missingRow: UInt32
        var rows: Divisor
        /// Its boundaries, in `boundaries`.
        var boundaryRange: Range<Int>

        /// The row of a value with a hash.
        @inline(__always)
        func row(of hash: UInt64) -> UInt32 {
            UInt32(truncatingIfNeeded: rows.remainder(of: hash))
        }
    }

    private let names: [String]
    private var fields: [Field] = []
    private var boundaries: [Float] = []

    /// Asks `reader` for the schema's fields in the object of slot `features`.
    init(schema: FeatureSchema, features: Int, key: String, reader: inout JSONObjectReader) {
        names = schema.fields.map { "\(key).\($0.name)" }
        for field in schema.fields {
            let start = boundaries.count
            let kind: Field.Kind
            switch field.kind {
            case .categorical: kind = .categorical
            case .list: kind = .list
            case .numeric: kind = .numeric
            case .bucketed(let bounds):
                kind = .bucketed
                boundaries += bounds
            }
            fields.append(
                Field(
                    kind: kind,
                    slot: reader.addKey(field.name, in: features, seed: field.seed),
                    missingRow: field.missingRow,
                    rows: Divisor(UInt64(max(field.rows, 1))),
                    boundaryRange: start..<boundaries.count
                )
            )
        }
    }

    /// Appends the words of the record that `reader` holds.
    func encode(
        _ reader: borrowing JSONObjectReader,
        into words: inout [UInt32]
    ) throws(Rejection) {
        // Two for an absent list, which is the most that a field takes beside its elements.
        let wordCountMax = 2 * fields.count + reader.elementCount
        try words.append(addingCapacity: wordCountMax) { (words) throws(Rejection) in
            for index in fields.indices {
                try append(index, reader, to: &words)
            }
        }
    }

    @inline(__always)
    private func append(
        _ index: Int,
        _ reader: borrowing JSONObjectReader,
        to words: inout OutputSpan<UInt32>
    ) throws(Rejection) {
        let field = fields[index]
        switch field.kind {
        case .categorical:
            if let hash = reader.hash(field.slot) {
                words.append(field.row(of: hash))
            } else if reader.value(field.slot).isMissing {
                words.append(field.missingRow)
            } else {
                let value = reader.value(field.slot)
                throw wrongType(index, value, expected: "a string or an integer")
            }
        case .list:
            try appendList(index, reader, to: &words)
        case .numeric:
            let number = try number(reader.value(field.slot), index)
            words.append(number?.bitPattern ?? Float.nan.bitPattern)
        case .bucketed:
            let number = try number(reader.value(field.slot), index)
            words.append(number.map { bucket(of: $0, field) } ?? field.missingRow)
        }
    }

    private func appendList(
        _ index: Int,
        _ reader: borrowing JSONObjectReader,
        to words: inout OutputSpan<UInt32>
    ) throws(Rejection) {
        let field = fields[index]
        let value = reader.value(field.slot)
        switch value {
        case .absent, .null:
            words.append(1)
            words.append(field.missingRow)
        case .list(let elements):
            words.append(UInt32(elements.count))
            for position in elements {
                guard let hash = reader.elementHash(position) else {
                    let name = "\(names[index])[\(position - elements.lowerBound)]"
                    let element = reader.element(position).description
                    throw Rejection(
                        .wrongType,
                        "\(name): \(element), expected a string or an integer"
                    )
                }
                words.append(field.row(of: hash))
            }
        case .boolean, .object, .signed, .unsigned, .double, .string:
            throw wrongType(index, value, expected: "a list")
        }
    }

    /// nil if it is missing.
    private func number(_ value: JSONValue, _ index: Int) throws(Rejection) -> Float? {
        if value.isMissing { return nil }
        guard let number = value.float else {
            throw wrongType(index, value, expected: "a number")
        }
        // The greatest magnitude means "absent" to exported models.
        guard number.magnitude < .greatestFiniteMagnitude else {
            throw Rejection(
                .nonFinite,
                "\(names[index]): a number too large for 32-bit floating point"
            )
        }
        return number
    }

    /// The number of boundaries that are at most `number`.
    private func bucket(of number: Float, _ field: Field) -> UInt32 {
        var low = field.boundaryRange.lowerBound
        var high = field.boundaryRange.upperBound
        while low < high {
            let middle = (low + high) / 2
            if boundaries[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return UInt32(low - field.boundaryRange.lowerBound)
    }

    private func wrongType(_ index: Int, _ value: JSONValue, expected: String) -> Rejection {
        Rejection(.wrongType, "\(names[index]): \(value.description), expected \(expected)")
    }
}

extension JSONValue {
    /// The nearest Float, infinite where it lies beyond them; nil if the value is no number.
    var float: Float? {
        switch self {
        case .signed(let integer, _): Float(integer)
        case .unsigned(let integer, _): Float(integer)
        case .double(let number): Float(number)
        case .absent, .null, .boolean, .object, .string, .list: nil
        }
    }
}
