/// The features and the id text of open impressions, each impression's in one run of words:
/// first the features, then the text's bytes.
///
/// Runs are whole blocks of 8 words. A freed run is kept for the next one of as many blocks. When
/// more than half of an arena that is not small is free and still no run fits, the owner copies it
/// tightly.
struct WordArena: Sendable {
    /// Where an impression's features and text are.
    struct Run: BitwiseCopyable, Sendable {
        var block: UInt32 = 0
        var featureCount: UInt32 = 0
        var textCount: UInt32 = 0

        /// Whole blocks, from counts of any 32-bit size.
        var blockCount: Int { (Int(featureCount) + (Int(textCount) + 3) / 4 + 7) / 8 }
        var features: Range<Int> { Int(block) * 8..<Int(block) * 8 + Int(featureCount) }
        /// In bytes.
        var text: Range<Int> {
            features.upperBound * 4..<features.upperBound * 4 + Int(textCount)
        }
    }

    private(set) var words: [UInt32] = []
    /// By blocks per run: the first free run's block + 1, 0 if there is none. A free run's first word
    /// holds the next one likewise.
    private var firstFree: [UInt32] = []
    private var freeBlocks = 0

    var memoryBytes: Int { words.capacity * 4 + firstFree.capacity * 4 }

    /// Whether a run of these counts would make the arena grow although more than half is free.
    func isWasteful(for run: Run) -> Bool {
        words.count > 1 << 14 && freeBlocks * 16 > words.count && !hasFree(run.blockCount)
            && words.count + run.blockCount * 8 > words.capacity
    }

    mutating func reserve(wordCount: Int) {
        words.reserveCapacity(wordCount)
    }

    var wordsInUse: Int { words.count - freeBlocks * 8 }

    /// Stores a run and returns where it is. Counts are below 2³².
    mutating func store(features: Span<UInt32>, text: Span<UInt8>) -> Run {
        var run = Run(featureCount: UInt32(features.count), textCount: UInt32(text.count))
        run.block = allocate(run.blockCount)
        precondition(run.text.upperBound <= words.count * 4)
        unsafe words.withUnsafeMutableBytes { words in
            guard let start = words.baseAddress else { return }
            unsafe features.withUnsafeBytes { source in
                guard let features = source.baseAddress else { return }
                unsafe (start + run.features.lowerBound * 4).copyMemory(
                    from: features,
                    byteCount: source.count
                )
            }
            unsafe text.withUnsafeBytes { source in
                guard let text = source.baseAddress else { return }
                unsafe (start + run.text.lowerBound).copyMemory(
                    from: text,
                    byteCount: source.count
                )
            }
        }
        return run
    }

    mutating func free(_ run: Run) {
        let blockCount = run.blockCount
        guard blockCount > 0 else { return }
        while firstFree.count <= blockCount { firstFree.append(0) }
        words[Int(run.block) * 8] = firstFree[blockCount]
        firstFree[blockCount] = run.block + 1
        freeBlocks += blockCount
    }

    /// Lends the features of a run to be replaced.
    mutating func withMutableFeatures<Result>(
        _ run: Run,
        _ body: (inout MutableSpan<UInt32>) -> Result
    ) -> Result {
        var span = words.mutableSpan
        var features = span._mutatingExtracting(run.features)
        return body(&features)
    }

    /// Lends the features and the text of a run.
    func withRun<Result>(
        _ run: Run,
        _ body: (Span<UInt32>, Span<UInt8>) -> Result
    ) -> Result {
        let bytes = unsafe words.span.bytes.extracting(run.text)
        return body(words.span.extracting(run.features), Span(_bytes: bytes))
    }

    private func hasFree(_ blockCount: Int) -> Bool {
        blockCount < firstFree.count && firstFree[blockCount] != 0
    }

    private mutating func allocate(_ blockCount: Int) -> UInt32 {
        guard blockCount > 0 else { return 0 }
        if hasFree(blockCount) {
            let block = firstFree[blockCount] - 1
            firstFree[blockCount] = words[Int(block) * 8]
            freeBlocks -= blockCount
            return block
        }
        let end = words.count
        if end + blockCount * 8 > words.capacity {
            words.reserveCapacity(max(end + blockCount * 8, end + end / 2))
        }
        words.append(contentsOf: repeatElement(0, count: blockCount * 8))
        return UInt32(end / 8)
    }
}
