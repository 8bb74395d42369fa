internal import CXXHash

/// One feature field, as configured.
public struct FeatureField: Equatable, Sendable {
    public enum Pooling: String, CaseIterable, Sendable { case mean, sum }

    public enum Kind: Equatable, Sendable {
        /// One string or integer, embedded by its hashed row.
        case categorical(rows: Int)
        /// Any number of strings or integers, embedded and pooled.
        case list(rows: Int, pooling: Pooling)
        /// A number, standardised by running mean and variance and clipped to ±`clip`.
        case numeric(clip: Float)
        /// A number, embedded by the bucket it falls in: bucket i holds boundaries[i-1] <= x < boundaries[i].
        case bucketed(boundaries: [Float])
    }

    public var name: String
    public var kind: Kind
    /// The first name of a field that has been renamed: its values are still hashed under that.
    public let was: String?
    /// XXH64(utf8(name), 0), of the first name: the seed under which the values of this field are
    /// hashed. It is the field's identity: what was learnt belongs to it.
    public let seed: UInt64

    public init(name: String, kind: Kind, was: String? = nil) {
        self.name = name
        self.kind = kind
        self.was = was
        self.seed = xxHash64((was ?? name).utf8Span.span, seed: 0)
    }

    /// Rows that values can take; the embedding table has one more, for a missing value.
    /// 0 for a numeric field, which has no table.
    public var rows: Int {
        switch kind {
        case .categorical(let rows), .list(let rows, _): rows
        case .numeric: 0
        case .bucketed(let boundaries): boundaries.count + 1
        }
    }

    /// The row of an absent or null value, the table's last.
    public var missingRow: UInt32 { UInt32(rows) }

    /// The row of a value, given as UTF-8 text (an integer as its decimal text).
    public func row(of value: Span<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: xxHash64(value, seed: seed) % UInt64(rows))
    }
}

/// The feature fields in the order of the configuration, which is the order of everything else:
/// of the encoded words and of the trunk's inputs.
///
/// An impression's features are encoded as 32-bit words, field after field:
///
/// | kind | words |
/// |---|---|
/// | categorical, bucketed | the row (`missingRow` when absent) |
/// | list | the number of rows, then the rows; absent: 1, `missingRow` |
/// | numeric | the bits of the Float: raw as decoded (NaN when absent), standardised from arrival on |
public struct FeatureSchema: Equatable, Sendable {
    public var fields: [FeatureField]

    public init(fields: [FeatureField]) {
        self.fields = fields
    }
}

extension FeatureSchema {
    /// Whether words are an encoded impression of this schema: every row is in its table, every list
    /// as long as it says, every number finite or (raw, absent) NaN. Words that come from a snapshot
    /// are held against it before anything is looked up by them.
    public func accepts(_ words: Span<UInt32>) -> Bool {
        var next = 0
        func word() -> UInt32? {
            guard next < words.count else { return nil }
            defer { next += 1 }
            return words[next]
        }
        for field in fields {
            switch field.kind {
            case .categorical, .bucketed:
                guard let row = word(), row <= field.missingRow else { return false }
            case .list:
                guard let count = word(), Int(count) <= words.count - next else { return false }
                for _ in 0..<count where word()! > field.missingRow { return false }
            case .numeric:
                guard let bits = word() else { return false }
                if Float(bitPattern: bits).isInfinite { return false }
            }
        }
        return next == words.count
    }
}

/// XXH64, the hash of the public rule for feature rows.
public func xxHash64(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe xxhash_64($0.baseAddress, $0.count, seed) }
}

/// XXH3-64, the hash by which record payloads are compared.
public func xxHash3(_ bytes: Span<UInt8>) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe xxhash3_64($0.baseAddress, $0.count) }
}
