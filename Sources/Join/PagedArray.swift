/// An array in pages: growing it moves nothing. It keeps its pages when it shrinks.
struct PagedArray<Element: BitwiseCopyable & Sendable>: ~Copyable, Sendable {
    private var pages = Pages<Element>()
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : pages[0] }
    var memoryBytes: Int { pages.memoryBytes }

    static func memoryBytes(count: Int) -> Int {
        let size = Pages<Element>.pageSize
        return (count + size - 1) / size * Pages<Element>.pageBytes
    }

    /// The same array, in pages that both have; see `Pages.shared`.
    func shared() -> Self {
        var other = Self()
        other.pages = pages.shared()
        other.count = count
        return other
    }

    subscript(index: Int) -> Element {
        @inline(__always) _read {
            assert(index < count)
            yield pages[index]
        }
        @inline(__always) _modify {
            assert(index < count)
            yield &pages[index]
        }
    }

    @inline(__always)
    func prefetch(_ index: Int) {
        pages.prefetch(index, byteCount: MemoryLayout<Element>.size)
    }

    mutating func append(_ element: Element) {
        if count == pages.elementCount { pages.appendPage() }
        pages[count] = element
        count += 1
    }

    mutating func removeLast() -> Element {
        precondition(count > 0)
        count -= 1
        return pages[count]
    }

    /// Removes elements anywhere; the others keep their order.
    mutating func removeAll(where shouldRemove: (Element) -> Bool) {
        var end = 0
        for index in 0..<count {
            let element = self[index]
            if shouldRemove(element) { continue }
            self[end] = element
            end += 1
        }
        count = end
    }
}
