internal import CSimdJSON
internal import Events

/// A value of a record. Text and list elements stay with the reader that read the record, and are
/// valid until its next read.
enum JSONValue {
    case absent, null, boolean, object
    /// An integer and its decimal text.
    case signed(Int64, JSONText)
    /// An integer beyond `Int64.max`.
    case unsigned(UInt64, JSONText)
    /// Also an integer beyond 64 bits, rounded.
    case double(Double)
    case string(JSONText)
    /// Indices of the list's elements.
    case list(Range<Int>)

    /// What was found, for people; without the value itself, which may be personal data.
    var description: String {
        switch self {
        case .absent: "nothing"
        case .null: "null"
        case .boolean: "true or false"
        case .object: "an object"
        case .signed, .unsigned: "an integer"
        case .double: "a number that is not a 64-bit integer"
        case .string: "a string"
        case .list: "a list"
        }
    }

    var isMissing: Bool {
        switch self {
        case .absent, .null: true
        default: false
        }
    }
}

/// Where a string or an integer stands in the reader's text: unescaped UTF-8, or decimal digits.
struct JSONText {
    fileprivate var start: UInt32
    fileprivate var byteCount: UInt32

    var isEmpty: Bool { byteCount == 0 }
}

/// Reads chosen keys of JSON objects: of the record itself, and of one object nested in it.
///
/// The only file that deals with the reader's memory.
@safe struct JSONObjectReader: ~Copyable {
    private let reader: OpaquePointer
    private var record: json_record
    private var slotCount = 0

    init() {
        unsafe reader = json_reader_create()
        unsafe record = json_record()
    }

    deinit { unsafe json_reader_destroy(reader) }

    /// Asks for a key of the record and returns its slot. The same key has the same slot.
    mutating func addKey(_ name: String) -> Int {
        let slot = unsafe name.utf8Span.span.withUnsafeBufferPointer {
            unsafe json_reader_add_key(reader, $0.baseAddress, $0.count)
        }
        slotCount = max(slotCount, slot + 1)
        return slot
    }

    /// Asks for a key of the object that the key of slot `parent` names, and returns its slot.
    /// - Parameter seed: of the hashes of the key's values.
    mutating func addKey(_ name: String, in parent: Int, seed: UInt64 = 0) -> Int {
        precondition(parent < slotCount)
        let slot = unsafe name.utf8Span.span.withUnsafeBufferPointer {
            unsafe json_reader_add_nested_key(
                reader,
                parent,
                $0.baseAddress,
                $0.count,
                seed
            )
        }
        slotCount = max(slotCount, slot + 1)
        return slot
    }

    /// Parses a record and checks all of it. Of a repeated key the last value counts.
    mutating func read(_ payload: Span<UInt8>) throws(Rejection) {
        precondition(payload.count < 1 << 31)
        unsafe record = payload.withUnsafeBufferPointer {
            unsafe json_reader_read(reader, $0.baseAddress, $0.count)
        }
        if let error = unsafe record.error {
            throw Rejection(.malformedJSON, unsafe String(cString: error))
        }
    }

    /// The value of a slot, of the record read last.
    @inline(__always)
    func value(_ slot: Int) -> JSONValue {
        precondition(slot < slotCount)
        return unsafe JSONValue(record.values[slot])
    }

    /// Elements of all lists of the record read last.
    var elementCount: Int { unsafe record.element_count }

    /// An element of a list of the record read last. Lists in lists have no elements.
    @inline(__always)
    func element(_ index: Int) -> JSONValue {
        precondition(index < elementCount)
        return unsafe JSONValue(record.elements[index])
    }

    /// XXH64 of the value of a nested key's slot, a string or an integer as its text; nil if it is
    /// neither.
    @inline(__always)
    func hash(_ slot: Int) -> UInt64? {
        precondition(slot < slotCount)
        return unsafe record.values[slot].textHash
    }

    /// Likewise of an element of a nested key's list.
    @inline(__always)
    func elementHash(_ index: Int) -> UInt64? {
        precondition(index < elementCount)
        return unsafe record.elements[index].textHash
    }

    /// Lends a text.
    @inline(__always)
    func withBytes<Result>(
        of text: JSONText,
        _ body: (Span<UInt8>) -> Result
    ) -> Result {
        let bytes = unsafe UnsafeBufferPointer(
            start: record.text + Int(text.start),
            count: Int(text.byteCount)
        )
        return unsafe body(bytes.span)
    }

    /// Lends the text that identifies a string or an integer: 712 and "712" have the same.
    /// nil if the value is neither.
    @inline(__always)
    func withText<Result>(of value: JSONValue, _ body: (Span<UInt8>) -> Result) -> Result? {
        switch value {
        case .string(let text), .signed(_, let text), .unsigned(_, let text):
            withBytes(of: text, body)
        case .absent, .null, .boolean, .object, .double, .list:
            nil
        }
    }
}

extension JSONValue {
    @inline(__always)
    fileprivate init(_ value: json_value) {
        switch value.kind {
        case json_null: self = .null
        case json_boolean: self = .boolean
        case json_signed: self = .signed(Int64(bitPattern: value.bits), Self.digits(value))
        case json_unsigned: self = .unsigned(value.bits, Self.digits(value))
        case json_double: self = .double(Double(bitPattern: value.bits))
        case json_string:
            self = .string(
                JSONText(start: value.start, byteCount: UInt32(truncatingIfNeeded: value.bits))
            )
        case json_list: self = .list(Int(value.start)..<Int(value.start) + Int(value.bits))
        case json_object: self = .object
        default: self = .absent
        }
    }

    @inline(__always)
    private static func digits(_ value: json_value) -> JSONText {
        JSONText(start: value.start, byteCount: UInt32(value.digits))
    }
}

extension json_value {
    @inline(__always)
    fileprivate var textHash: UInt64? {
        switch kind {
        case json_string, json_signed, json_unsigned: hash
        default: nil
        }
    }
}
