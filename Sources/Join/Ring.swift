/// A first-in, first-out queue in pages that are used as a ring. Elements are numbered from 0 in
/// the order in which they came, and can be reached by the low 30 bits of their number while at
/// most 2³⁰ are present. The ring keeps its pages when it shrinks.
struct Ring<Element: BitwiseCopyable & Sendable>: ~Copyable, Sendable {
    /// Unused places hold leftovers. The page of the first element is never that of a last one that
    /// came round the ring.
    private var pages = Pages<Element>()
    /// The place of the first element.
    private var start = 0
    private(set) var firstNumber = 0
    private(set) var endNumber = 0

    var count: Int { endNumber - firstNumber }
    var isEmpty: Bool { firstNumber == endNumber }
    var first: Element? { isEmpty ? nil : pages[start] }
    /// The first element of a ring that is not empty.
    var front: Element {
        @inline(__always) _read {
            precondition(!isEmpty)
            yield pages[start]
        }
    }
    var last: Element? { isEmpty ? nil : pages[place(after: count - 1)] }
    var memoryBytes: Int { pages.memoryBytes }

    /// When elements have come and gone: the first and the last page are partly used.
    static func memoryBytes(count: Int) -> Int {
        PagedArray<Element>.memoryBytes(count: count) + (count > 0 ? Pages<Element>.pageBytes : 0)
    }

    /// The same queue, in pages that both have; see `Pages.shared`.
    func shared() -> Self {
        var other = Self()
        other.pages = pages.shared()
        other.start = start
        other.firstNumber = firstNumber
        other.endNumber = endNumber
        return other
    }

    subscript(number: Int) -> Element {
        @inline(__always) _read { yield pages[place(of: number)] }
        @inline(__always) _modify { yield &pages[place(of: number)] }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        var end = place(after: count)
        if end % Pages<Element>.pageSize == 0 && (pages.pageCount == 0 || meetsStart(end)) {
            end = insertPage(at: end)
        }
        pages[end] = element
        endNumber += 1
        // Where the next ones go: a write that waits for its cache line holds up those behind it.
        prefetch(count + 4)
    }

    /// The element so many after the first, or what is to come to its place.
    @inline(__always)
    func prefetch(_ distance: Int) {
        pages.prefetch(place(after: distance), byteCount: MemoryLayout<Element>.size)
    }

    @inline(__always)
    mutating func removeFirst() {
        precondition(!isEmpty)
        start = place(after: 1)
        firstNumber += 1
    }

    /// Removes so many elements at the end.
    mutating func removeLast(_ count: Int) {
        precondition(count <= self.count)
        endNumber -= count
    }

    /// Removes elements anywhere; the others keep their order but not their numbers.
    mutating func removeAll(where shouldRemove: (Element) -> Bool) {
        var end = firstNumber
        for number in firstNumber..<endNumber {
            let element = pages[place(after: number - firstNumber)]
            if shouldRemove(element) { continue }
            pages[place(after: end - firstNumber)] = element
            end += 1
        }
        endNumber = end
    }

    @inline(__always)
    private func place(of number: Int) -> Int {
        let offset = (number &- firstNumber) & (1 << 30 - 1)
        precondition(offset < count)
        return place(after: offset)
    }

    /// The place so many elements after the first.
    @inline(__always)
    private func place(after offset: Int) -> Int {
        let place = start &+ offset
        return place < pages.elementCount ? place : place &- pages.elementCount
    }

    /// Whether the page that begins at `place` holds the first element.
    private func meetsStart(_ place: Int) -> Bool {
        count > 0 && place / Pages<Element>.pageSize == start / Pages<Element>.pageSize
    }

    /// Adds a page before the first element's, which moves up with those after it.
    @inline(never)
    private mutating func insertPage(at place: Int) -> Int {
        let size = Pages<Element>.pageSize
        pages.insertPage(at: place / size)
        if count > 0 { start += size }
        return place
    }
}
