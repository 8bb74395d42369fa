internal import CSimdJSON
internal import Events

/// A value of a record. Text and list elements stay with the reader that read the record, and are
/// valid until its next read.
enum JSONValue {
    case absent, null, boolean, object
    case signed(Int64)
    /// An integer beyond `Int64.max`.
    case unsigned(UInt64)
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

/// Where a string stands in the reader's text: unescaped UTF-8.
struct JSONText {
    fileprivate var start: UInt32
    var count: Int
}

/// Reads chosen keys of JSON objects: of the record itself, and of one object nested in it.
///
/// The only file that deals with simdjson's memory.
@safe struct JSONObjectReader: ~Copyable {
    private let reader: OpaquePointer
    private var record: json_record
    private var slotCount = 0

    init() {
        unsafe reader = json_reader_create()
        unsafe record = json_record(values: nil, elements: nil, text: nil, error: nil)
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
    mutating func addKey(_ name: String, in parent: Int) -> Int {
        precondition(parent < slotCount)
        let slot = unsafe name.utf8Span.span.withUnsafeBufferPointer {
            unsafe json_reader_add_nested_key(reader, parent, $0.baseAddress, $0.count)
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

    /// An element of a list of the record read last. Lists in lists have no elements.
    @inline(__always)
    func element(_ index: Int) -> JSONValue {
        unsafe JSONValue(record.elements[index])
    }

    /// Lends a string's unescaped UTF-8.
    @inline(__always)
    func withBytes<Result>(
        of text: JSONText,
        _ body: (Span<UInt8>) -> Result
    ) -> Result {
        let bytes = unsafe UnsafeBufferPointer(
            start: record.text + Int(text.start),
            count: text.count
        )
        return unsafe body(bytes.span)
    }
}

extension JSONValue {
    @inline(__always)
    fileprivate init(_ value: json_value) {
        switch value.kind {
        case json_null: self = .null
        case json_boolean: self = .boolean
        case json_signed: self = .signed(Int64(bitPattern: value.bits))
        case json_unsigned: self = .unsigned(value.bits)
        case json_double: self = .double(Double(bitPattern: value.bits))
        case json_string: self = .string(JSONText(start: value.start, count: Int(value.bits)))
        case json_list: self = .list(Int(value.start)..<Int(value.start) + Int(value.bits))
        case json_object: self = .object
        default: self = .absent
        }
    }
}
