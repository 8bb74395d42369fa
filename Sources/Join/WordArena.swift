/// The features and the id text of open impressions, each impression's in one run of words:
/// first the features, then the text's bytes.
///
/// Runs are whole blocks of 8 words and lie in one page each; one longer than a page has a page of
/// its own. A freed run is kept for the next one of as many blocks. When more than half of an arena
/// that is not small is free and still no run fits, the owner copies it tightly.
struct WordArena: ~Copyable, Sendable {
    /// Where an impression's features and text are.
    struct Run: BitwiseCopyable, Sendable {
        var block: UInt32 = 0
        var featureCount: UInt32 = 0
        var textCount: UInt32 = 0

        /// Whole blocks, from counts of any 32-bit size.
        var blockCount: Int { (Int(featureCount) + (Int(textCount) + 3) / 4 + 7) / 8 }
        var features: Range<Int> { Int(block) * 8..<Int(block) * 8 + Int(featureCount) }
        var words: Range<Int> {
            features.lowerBound..<features.upperBound + (Int(textCount) + 3) / 4
        }
        /// The bytes of the text in those of the run's words.
        var text: Range<Int> { Int(featureCount) * 4..<Int(featureCount) * 4 + Int(textCount) }
    }

    /// The first page begins with the heads of the free lists: word n is for runs of n blocks. It is
    /// the first free run, as its block + 1, or 0; a free run's first word holds the next one likewise.
    private var words: Pages<UInt32>
    /// The end of what was given out of the last page begun.
    private var end = headBlocks * 8
    private var endOfPage = Pages<UInt32>.pageSize
    /// Pages that were given back.
    private var freePages: [Int] = []
    private var freeBlocks = 0

    private static var blocksPerPage: Int { Pages<UInt32>.pageSize / 8 }
    private static var headBlocks: Int { blocksPerPage / 8 + 1 }

    init() {
        self.init(words: Pages())
        words.appendPage()
    }

    private init(words: consuming Pages<UInt32>) { self.words = words }

    func shared() -> WordArena {
        var other = WordArena(words: words.shared())
        other.end = end
        other.endOfPage = endOfPage
        other.freePages = freePages
        other.freeBlocks = freeBlocks
        return other
    }

    var memoryBytes: Int { words.memoryBytes }

    /// Of stored runs, of the lists' heads, and of what was not given out yet.
    var usedBytes: Int { words.memoryBytes - freeBlocks * 32 }

    /// For runs of so many blocks on average. Runs of one size fill their pages but for what is too
    /// short for another run; where sizes vary, about 3 % is free and waits for its size.
    static func memoryBytes(count: Int, blocksPerRun: Double) -> Int {
        let blocks = Double(blocksPerPage)
        let perPage = blocks / blocksPerRun
        let isEven = blocksPerRun == blocksPerRun.rounded()
        if count == 0 || blocksPerRun == 0 { return Pages<UInt32>.pageBytes }
        if perPage < 1 {
            return Int(Double(count) * blocksPerRun) * 32 + Pages<UInt32>.pageBytes
        }
        let pages =
            Double(headBlocks) / blocks
            + Double(count) / (isEven ? perPage.rounded(.down) : perPage * 0.97)
        return Int(pages.rounded(.up)) * Pages<UInt32>.pageBytes
    }

    /// Whether a run of these counts would make the arena grow although more than half is free.
    @inline(__always)
    func isWasteful(for run: Run) -> Bool {
        words.pageCount > 4 && freeBlocks * 16 > words.elementCount && !hasFree(run.blockCount)
            && end + run.blockCount * 8 > endOfPage && freePages.isEmpty
    }

    /// Stores a run and returns where it is. Counts are below 2³².
    @inline(__always)
    mutating func store(features: Span<UInt32>, text: Span<UInt8>) -> Run {
        var run = Run(featureCount: UInt32(features.count), textCount: UInt32(text.count))
        run.block = allocate(run.blockCount)
        words.store(features, then: text, at: Int(run.block) * 8)
        return run
    }

    @inline(__always)
    mutating func free(_ run: Run) {
        let blockCount = run.blockCount
        guard blockCount > 0 else { return }
        if blockCount > Self.blocksPerPage {
            freePage(of: run)
        } else {
            addFree(run.block, blockCount: blockCount)
        }
    }

    @inline(never)
    private mutating func freePage(of run: Run) {
        let page = Int(run.block) / Self.blocksPerPage
        words.replacePage(page, count: Pages<UInt32>.pageSize)
        freePages.append(page)
        freeBlocks += Self.blocksPerPage
    }

    /// Lends the features of a run to be replaced.
    @inline(__always)
    mutating func withMutableFeatures<Result>(
        _ run: Run,
        _ body: (inout MutableSpan<UInt32>) -> Result
    ) -> Result {
        words.withMutableSpan(run.features, body)
    }

    /// Lends the features and the text of a run.
    @inline(__always)
    func withRun<Result>(
        _ run: Run,
        _ body: (Span<UInt32>, Span<UInt8>) -> Result
    ) -> Result {
        words.withSpan(run.words) { words in
            let text = unsafe words.bytes.extracting(run.text)
            return body(words.extracting(first: Int(run.featureCount)), Span(_bytes: text))
        }
    }

    @inline(__always)
    func prefetch(_ run: Run) {
        words.prefetch(run.words.lowerBound, byteCount: run.words.count * 4)
    }

    @inline(__always)
    private func hasFree(_ blockCount: Int) -> Bool {
        blockCount <= Self.blocksPerPage && words[blockCount] != 0
    }

    @inline(__always)
    private mutating func addFree(_ block: UInt32, blockCount: Int) {
        words[Int(block) * 8] = words[blockCount]
        words[blockCount] = block + 1
        freeBlocks += blockCount
    }

    @inline(__always)
    private mutating func allocate(_ blockCount: Int) -> UInt32 {
        if blockCount == 0 { return 0 }
        if hasFree(blockCount) {
            let block = words[blockCount] - 1
            words[blockCount] = words[Int(block) * 8]
            freeBlocks -= blockCount
            return block
        }
        return allocateNew(blockCount)
    }

    @inline(never)
    private mutating func allocateNew(_ blockCount: Int) -> UInt32 {
        if blockCount > Self.blocksPerPage {
            let page = takePage()
            words.replacePage(page, count: blockCount * 8)
            return UInt32(page * Self.blocksPerPage)
        }
        if end + blockCount * 8 > endOfPage { beginPage() }
        defer { end += blockCount * 8 }
        return UInt32(end / 8)
    }

    /// What is left of the page before is a free run.
    private mutating func beginPage() {
        if end < endOfPage { addFree(UInt32(end / 8), blockCount: (endOfPage - end) / 8) }
        end = takePage() * Pages<UInt32>.pageSize
        endOfPage = end + Pages<UInt32>.pageSize
    }

    private mutating func takePage() -> Int {
        if let page = freePages.popLast() {
            freeBlocks -= Self.blocksPerPage
            return page
        }
        words.appendPage()
        return words.pageCount - 1
    }
}
