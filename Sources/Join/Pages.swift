internal import CPrefetch
internal import Synchronization

/// Elements in pages of up to 64 KiB, which copies of the value share until one of them writes.
///
/// A copy is made in constant time. The first write after it copies the lists of pages, and the
/// first write to a page copies that page: who goes on after taking a snapshot pays for what it
/// touches, a page at a time. Growing adds a page and moves no element.
@safe struct Pages<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    // Sendable: what a table or a page holds changes only while a single value has it.
    private var table = PageTable<Element>(capacity: 0)
    /// That of the table, kept here so that reading takes one step less.
    private var addresses = unsafe PageTable<Element>.Addresses(bitPattern: 0)
    private(set) var pageCount = 0
    /// Room for elements in all pages.
    private(set) var elementCount = 0

    /// The most elements that fit into 64 KiB, as a power of two.
    static var pageBits: Int { (MemoryLayout<Element>.stride - 1).leadingZeroBitCount - 48 }
    static var pageSize: Int { 1 << pageBits }

    var memoryBytes: Int { elementCount * MemoryLayout<Element>.stride }
    static var pageBytes: Int { pageSize * MemoryLayout<Element>.stride }

    /// Element `index` in pages of `pageSize`.
    subscript(index: Int) -> Element {
        @inline(__always) _read {
            defer { extendLifetime(table) }
            yield unsafe address(of: index).pointee
        }
        @inline(__always) _modify {
            defer { extendLifetime(table) }
            yield unsafe &writableAddress(of: index).pointee
        }
    }

    /// Has the processor fetch what will be wanted soon: one cache line, or more if so many bytes
    /// lie in more. It is right whatever has become of the element by then.
    @inline(__always)
    func prefetch(_ index: Int, byteCount: Int = 1) {
        let page = index >> Self.pageBits
        guard UInt(bitPattern: page) < UInt(bitPattern: pageCount) else { return }
        let element =
            unsafe addresses.unsafelyUnwrapped[page].unsafelyUnwrapped
            + (index & (Self.pageSize - 1))
        for offset in stride(from: 0, to: byteCount, by: cacheLineBytes) {
            unsafe cprefetch(UnsafeRawPointer(element) + offset)
        }
    }

    /// Lends elements that lie in one page.
    func withSpan<Result>(_ range: Range<Int>, _ body: (Span<Element>) -> Result) -> Result {
        if range.isEmpty { return body(Span()) }
        checkPage(of: range)
        defer { extendLifetime(table) }
        let elements = unsafe UnsafeBufferPointer(
            start: address(of: range.lowerBound),
            count: range.count
        )
        return unsafe body(elements.span)
    }

    /// Lends elements that lie in one page to be changed.
    mutating func withMutableSpan<Result>(
        _ range: Range<Int>,
        _ body: (inout MutableSpan<Element>) -> Result
    ) -> Result {
        var empty = MutableSpan<Element>()
        if range.isEmpty { return body(&empty) }
        checkPage(of: range)
        defer { extendLifetime(table) }
        let elements = unsafe UnsafeMutableBufferPointer(
            start: writableAddress(of: range.lowerBound),
            count: range.count
        )
        var span = unsafe elements.mutableSpan
        return body(&span)
    }

    /// Puts words and then text at element `index`, all in one page.
    mutating func store(_ words: Span<Element>, then text: Span<UInt8>, at index: Int) {
        let stride = MemoryLayout<Element>.stride
        let count = words.count + (text.count + stride - 1) / stride
        if count == 0 { return }
        checkPage(of: index..<index + count)
        defer { extendLifetime(table) }
        let target = unsafe writableAddress(of: index)
        unsafe words.withUnsafeBufferPointer { words in
            guard let source = words.baseAddress else { return }
            unsafe target.update(from: source, count: words.count)
        }
        unsafe text.withUnsafeBytes { text in
            guard let source = text.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(target + words.count)
                .copyMemory(from: source, byteCount: text.count)
        }
    }

    /// Adds a page in front of page `index`, or at the end; those after it move up.
    mutating func insertPage(at index: Int, filledWith element: Element) {
        precondition((0...pageCount).contains(index))
        takeTable(capacity: pageCount + 1)
        let page = Page(
            count: Self.pageSize,
            filledWith: element,
            isSlabPiece: pageCount >= fewPages
        )
        table.insert(page, at: index)
        pageCount += 1
        elementCount += Self.pageSize
    }

    mutating func appendPage(filledWith element: Element) {
        insertPage(at: pageCount, filledWith: element)
    }

    /// Replaces a page by one of `count` elements, at least as many as in an ordinary one. Those
    /// beyond can be reached through spans only.
    mutating func replacePage(_ index: Int, count: Int, filledWith element: Element) {
        let page = Page(
            count: max(count, Self.pageSize),
            filledWith: element,
            isSlabPiece: count <= Self.pageSize && pageCount >= fewPages
        )
        elementCount += page.count - table.count(ofPage: index)
        takeTable(capacity: pageCount)
        table.replace(index, by: page)
    }

    private func checkPage(of range: Range<Int>) {
        let start = range.lowerBound & (Self.pageSize - 1)
        let page = range.lowerBound >> Self.pageBits
        if start + range.count <= Self.pageSize { return }
        precondition(start + range.count <= table.count(ofPage: page), "a span leaves its page")
    }

    @inline(__always)
    private func address(of index: Int) -> UnsafeMutablePointer<Element> {
        let page = index >> Self.pageBits
        precondition(UInt(bitPattern: page) < UInt(bitPattern: pageCount))
        let address = unsafe addresses.unsafelyUnwrapped[page].unsafelyUnwrapped
        return unsafe address + (index & (Self.pageSize - 1))
    }

    @inline(__always)
    private mutating func writableAddress(of index: Int) -> UnsafeMutablePointer<Element> {
        let page = index >> Self.pageBits
        precondition(UInt(bitPattern: page) < UInt(bitPattern: pageCount))
        let offset = index & (Self.pageSize - 1)
        if isKnownUniquelyReferenced(&table), let address = unsafe table.writable[page] {
            return unsafe address + offset
        }
        takeTable(capacity: pageCount)
        return unsafe table.makeWritable(page) + offset
    }

    /// Makes the table this value's own, with room for so many pages.
    @inline(never)
    private mutating func takeTable(capacity: Int) {
        if isKnownUniquelyReferenced(&table) && capacity <= table.capacity { return }
        let isFull = capacity > table.capacity
        table = PageTable(sharing: table, capacity: isFull ? capacity * 2 : table.capacity)
        unsafe addresses = table.readable
    }
}

/// Where the pages are. Only the owner of the one reference to a table changes it.
@safe private final class PageTable<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    typealias Addresses = UnsafeMutablePointer<UnsafeMutablePointer<Element>?>

    private var pages: [Page<Element>]
    let capacity: Int
    /// By page.
    let readable: Addresses
    /// By page: its address if no other table has it, as far as is known.
    let writable: Addresses
    private let lending = Mutex(())

    init(capacity: Int) {
        pages = []
        self.capacity = capacity
        unsafe readable = .allocate(capacity: capacity)
        unsafe writable = .allocate(capacity: capacity)
        unsafe readable.initialize(repeating: nil, count: capacity)
        unsafe writable.initialize(repeating: nil, count: capacity)
    }

    /// A table of the same pages. Neither may write to them any longer without asking whether it
    /// is the last that has them.
    convenience init(sharing other: PageTable, capacity: Int) {
        self.init(capacity: capacity)
        pages = other.pages
        unsafe readable.update(from: other.readable, count: pages.count)
        // Several values that have the other table may come to this at once. Who is left with it
        // finds this done, for all others have let go of it since.
        other.lending.withLock { _ in
            unsafe other.writable.update(repeating: nil, count: other.capacity)
        }
    }

    deinit {
        unsafe readable.deallocate()
        unsafe writable.deallocate()
    }

    func count(ofPage index: Int) -> Int { pages[index].count }

    func insert(_ page: Page<Element>, at index: Int) {
        let moved = pages.count - index
        unsafe (readable + index + 1).update(from: readable + index, count: moved)
        unsafe (writable + index + 1).update(from: writable + index, count: moved)
        pages.insert(page, at: index)
        setAddress(of: index)
    }

    func replace(_ index: Int, by page: Page<Element>) {
        pages[index] = page
        setAddress(of: index)
    }

    func makeWritable(_ index: Int) -> UnsafeMutablePointer<Element> {
        if !isKnownUniquelyReferenced(&pages[index]) { pages[index] = Page(copying: pages[index]) }
        setAddress(of: index)
        return unsafe pages[index].elements
    }

    private func setAddress(of index: Int) {
        unsafe readable[index] = pages[index].elements
        unsafe writable[index] = pages[index].elements
    }
}

/// The memory of one page; freed with the last value that has it.
@safe private final class Page<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let elements: UnsafeMutablePointer<Element>
    let count: Int
    private let isSlabPiece: Bool

    init(count: Int, filledWith element: Element, isSlabPiece: Bool) {
        unsafe elements = Self.allocate(count, isSlabPiece: isSlabPiece)
        self.count = count
        self.isSlabPiece = isSlabPiece
        unsafe elements.initialize(repeating: element, count: count)
    }

    init(copying other: Page) {
        unsafe elements = Self.allocate(other.count, isSlabPiece: other.isSlabPiece)
        count = other.count
        isSlabPiece = other.isSlabPiece
        unsafe elements.initialize(from: other.elements, count: other.count)
    }

    /// Elements of a power of two of bytes lie in as few cache lines as they can.
    private static func allocate(
        _ count: Int,
        isSlabPiece: Bool
    ) -> UnsafeMutablePointer<Element> {
        let byteCount = count * MemoryLayout<Element>.stride
        let memory =
            unsafe isSlabPiece
            ? PageMemory.allocate(byteCount: byteCount)
            : .allocate(byteCount: byteCount, alignment: 2 * cacheLineBytes)
        return unsafe memory.bindMemory(to: Element.self, capacity: count)
    }

    deinit {
        let memory = unsafe UnsafeMutableRawPointer(elements)
        if isSlabPiece {
            let byteCount = count * MemoryLayout<Element>.stride
            unsafe PageMemory.deallocate(memory, byteCount: byteCount)
        } else {
            unsafe memory.deallocate()
        }
    }
}

private let cacheLineBytes = 64

/// Pages of tables that are no larger come one by one: slabs would waste more than they are worth.
private let fewPages = 32
