internal import Learn

/// The cohorts of two configurations, brought together by their spans.
///
/// Both form cohorts on the same grid, but either may have joined neighbours. Cohorts that overlap go
/// into one pair, so that both sides of a pair cover the same time.
struct CohortPairs {
    struct Pair {
        var first: TaskTable<CohortSums>
        var other: TaskTable<CohortSums>
    }

    private(set) var pairs: [Pair] = []
    private(set) var unpaired = 0

    /// Both ascending and disjoint.
    init(_ first: [CohortSummary], _ other: [CohortSummary]) {
        var (i, j) = (0, 0)
        while i < first.count, j < other.count {
            if first[i].end <= other[j].start {
                unpaired += 1
                i += 1
                continue
            }
            if other[j].end <= first[i].start {
                unpaired += 1
                j += 1
                continue
            }
            var pair = Pair(first: first[i].sums, other: other[j].sums)
            var (firstEnd, otherEnd) = (first[i].end, other[j].end)
            i += 1
            j += 1
            while true {
                if i < first.count, first[i].start < otherEnd {
                    pair.first.add(first[i].sums)
                    firstEnd = first[i].end
                    i += 1
                } else if j < other.count, other[j].start < firstEnd {
                    pair.other.add(other[j].sums)
                    otherEnd = other[j].end
                    j += 1
                } else {
                    break
                }
            }
            pairs.append(pair)
        }
        unpaired += first.count - i + other.count - j
    }
}

extension CohortSummary {
    var sums: TaskTable<CohortSums> {
        TaskTable(
            ctr: CohortSums(figures.ctr, reliability.ctr),
            cvr: CohortSums(figures.cvr, reliability.cvr),
            ctcvr: CohortSums(figures.ctcvr, reliability.ctcvr)
        )
    }
}

extension TaskTable<CohortSums> {
    fileprivate mutating func add(_ other: Self) {
        ctr.add(other.ctr)
        cvr.add(other.cvr)
        ctcvr.add(other.ctcvr)
    }
}
