internal import CCacheLine

/// Elements in pages of up to 64 KiB, which several values share until one of them writes.
///
/// `shared` takes time for each page, but copies no element. After it the first write to a page copies
/// that page: who goes on after taking a snapshot pays for what it touches, a page at a time. Growing
/// adds a page and moves no element.
///
/// It cannot be copied otherwise, so that a write need not ask whether it was.
@safe struct Pages<Element: BitwiseCopyable & Sendable>: ~Copyable, @unchecked Sendable {
    // Sendable: what a page holds changes only while a single value has it.
    private typealias Addresses = UnsafeMutablePointer<UnsafeMutablePointer<Element>?>

    private var pages: [Page<Element>] = []
    /// Room for pages in the next two.
    private var capacity: Int
    /// By page: where it is.
    private var readable: Addresses
    /// By page: where it is if no other value has it, as far as is known, else nil.
    private var writable: Addresses
    private(set) var pageCount = 0
    /// Room for elements in all pages.
    private(set) var elementCount = 0

    /// The most elements that fit into 64 KiB, as a power of two.
    static var pageBits: Int { (MemoryLayout<Element>.stride - 1).leadingZeroBitCount - 48 }
    static var pageSize: Int { 1 << pageBits }

    var memoryBytes: Int { elementCount * MemoryLayout<Element>.stride }
    static var pageBytes: Int { pageSize * MemoryLayout<Element>.stride }

    init() { self.init(capacity: 0) }

    private init(capacity: Int) {
        self.capacity = capacity
        unsafe readable = .allocate(capacity: capacity)
        unsafe writable = .allocate(capacity: capacity)
        unsafe readable.initialize(repeating: nil, count: capacity)
        unsafe writable.initialize(repeating: nil, count: capacity)
    }

    deinit {
        unsafe readable.deallocate()
        unsafe writable.deallocate()
    }

    /// A value of the same pages. From now on neither writes to one of them without asking whether it
    /// is the last that has it. Of calls at the same time only one may be under way.
    func shared() -> Pages {
        var other = Pages(capacity: capacity)
        other.pages = pages
        unsafe other.readable.update(from: readable, count: pageCount)
        unsafe writable.update(repeating: nil, count: pageCount)
        other.pageCount = pageCount
        other.elementCount = elementCount
        return other
    }

    /// Element `index` in pages of `pageSize`.
    subscript(index: Int) -> Element {
        @inline(__always) _read { yield unsafe address(of: index).pointee }
        @inline(__always) _modify { yield unsafe &writableAddress(of: index).pointee }
    }

    /// Has the processor fetch what will be wanted soon: one cache line, or more if so many bytes
    /// lie in more. It is right whatever has become of the element by then.
    @inline(__always)
    func prefetch(_ index: Int, byteCount: Int = 1) {
        let page = index >> Self.pageBits
        guard UInt(bitPattern: page) < UInt(bitPattern: pageCount) else { return }
        let element =
            unsafe readable[page].unsafelyUnwrapped + (index & (Self.pageSize - 1))
        for offset in stride(from: 0, to: byteCount, by: cacheLineBytes) {
            unsafe cprefetch(UnsafeRawPointer(element) + offset)
        }
    }

    /// Lends elements that lie in one page.
    @inline(__always)
    func withSpan<Result>(_ range: Range<Int>, _ body: (Span<Element>) -> Result) -> Result {
        if range.isEmpty { return body(Span()) }
        checkPage(of: range)
        let elements = unsafe UnsafeBufferPointer(
            start: address(of: range.lowerBound),
            count: range.count
        )
        return unsafe body(elements.span)
    }

    /// Lends elements that lie in one page to be changed.
    @inline(__always)
    mutating func withMutableSpan<Result>(
        _ range: Range<Int>,
        _ body: (inout MutableSpan<Element>) -> Result
    ) -> Result {
        var empty = MutableSpan<Element>()
        if range.isEmpty { return body(&empty) }
        checkPage(of: range)
        let elements = unsafe UnsafeMutableBufferPointer(
            start: writableAddress(of: range.lowerBound),
            count: range.count
        )
        var span = unsafe elements.mutableSpan
        return body(&span)
    }

    /// Puts words and then text at element `index`, all in one page.
    @inline(__always)
    mutating func store(_ words: Span<Element>, then text: Span<UInt8>, at index: Int) {
        let stride = MemoryLayout<Element>.stride
        let count = words.count + (text.count + stride - 1) / stride
        if count == 0 { return }
        checkPage(of: index..<index + count)
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

    /// Adds a page of zeros in front of page `index`, or at the end; those after it move up.
    mutating func insertPage(at index: Int) {
        precondition((0...pageCount).contains(index))
        reserve(pageCount + 1)
        let page = Page<Element>(count: Self.pageSize, isSlabPiece: pageCount >= fewPages)
        let moved = pageCount - index
        unsafe (readable + index + 1).update(from: readable + index, count: moved)
        unsafe (writable + index + 1).update(from: writable + index, count: moved)
        pages.insert(page, at: index)
        setAddress(of: index)
        pageCount += 1
        elementCount += Self.pageSize
    }

    mutating func appendPage() { insertPage(at: pageCount) }

    /// Replaces a page by one of `count` zeros, at least as many as in an ordinary one. Those
    /// beyond can be reached through spans only.
    mutating func replacePage(_ index: Int, count: Int) {
        let page = Page<Element>(
            count: max(count, Self.pageSize),
            isSlabPiece: count <= Self.pageSize && pageCount >= fewPages
        )
        elementCount += page.count - pages[index].count
        pages[index] = page
        setAddress(of: index)
    }

    @inline(__always)
    private func checkPage(of range: Range<Int>) {
        let start = range.lowerBound & (Self.pageSize - 1)
        if start + range.count <= Self.pageSize { return }
        let page = range.lowerBound >> Self.pageBits
        precondition(start + range.count <= pages[page].count, "a span leaves its page")
    }

    @inline(__always)
    private func address(of index: Int) -> UnsafeMutablePointer<Element> {
        let page = index >> Self.pageBits
        precondition(UInt(bitPattern: page) < UInt(bitPattern: pageCount))
        return unsafe readable[page].unsafelyUnwrapped + (index & (Self.pageSize - 1))
    }

    @inline(__always)
    private mutating func writableAddress(of index: Int) -> UnsafeMutablePointer<Element> {
        let page = index >> Self.pageBits
        precondition(UInt(bitPattern: page) < UInt(bitPattern: pageCount))
        let offset = index & (Self.pageSize - 1)
        if let address = unsafe writable[page] { return unsafe address + offset }
        return unsafe makeWritable(page) + offset
    }

    @inline(never)
    private mutating func makeWritable(_ index: Int) -> UnsafeMutablePointer<Element> {
        if !isKnownUniquelyReferenced(&pages[index]) { pages[index] = Page(copying: pages[index]) }
        setAddress(of: index)
        return unsafe pages[index].elements
    }

    private mutating func setAddress(of index: Int) {
        unsafe readable[index] = pages[index].elements
        unsafe writable[index] = pages[index].elements
    }

    /// Makes room for so many pages.
    private mutating func reserve(_ count: Int) {
        if count <= capacity { return }
        var larger = Pages(capacity: count * 2)
        unsafe larger.readable.update(from: readable, count: pageCount)
        unsafe larger.writable.update(from: writable, count: pageCount)
        // What was here goes with the other one.
        unsafe swap(&readable, &larger.readable)
        unsafe swap(&writable, &larger.writable)
        swap(&capacity, &larger.capacity)
    }
}

extension Pages where Element == UInt32 {
    /// Which of eight elements, the first of which is at a multiple of eight, have this value: a bit each.
    @inline(__always)
    func matches(_ value: UInt32, at index: Int) -> UInt32 {
        unsafe cmatches(address(of: index), value)
    }
}

/// The memory of one page; freed with the last value that has it.
@safe private final class Page<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let elements: UnsafeMutablePointer<Element>
    let count: Int
    private let isSlabPiece: Bool

    /// Zero bytes, which only numbers are read as: other elements are written first.
    init(count: Int, isSlabPiece: Bool) {
        unsafe elements = Self.allocate(count, isSlabPiece: isSlabPiece)
        self.count = count
        self.isSlabPiece = isSlabPiece
        unsafe UnsafeMutableRawPointer(elements).initializeMemory(
            as: UInt8.self,
            repeating: 0,
            count: count * MemoryLayout<Element>.stride
        )
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
