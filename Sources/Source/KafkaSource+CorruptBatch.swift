internal import Events
internal import Kafka

extension KafkaSource {
    /// A batch whose checksum is wrong, or that cannot be unpacked, lies at the position. Hands over
    /// its offsets as one corrupt record and goes on behind it.
    ///
    /// librdkafka 2.0 loses its place in the rest of the answer that held the batch: it reports more
    /// errors, at offsets that mean nothing, and may even try to go on at such an offset. So only
    /// the first error of a consumer is believed, and reading goes on with a new one.
    mutating func passCorruptBatch(
        at base: Int64,
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        let position = progress[index].position
        var end = position
        do throws(KafkaError) {
            end = min(try endOfCorruptBatch(at: base, partition: index), progress[index].end)
        } catch {
            // A broker went away meanwhile: the batch will be met and searched again. Retention may
            // have taken it, too, which the next read will tell.
            if !error.isPositionLost { try postpone(error) }
        }
        if end > position {
            progress[index].position = end
            progress[index].isAtEnd = false
            let header = RecordHeader(
                offset: position,
                offsetCount: end - position,
                timestamp: nil
            )
            receive(header, .corrupt, Span())
        }
        try restart()
    }

    /// The first offset behind the batch that starts at `base` and holds the position. The batch's
    /// own word for its length may be what is corrupt, so the end is found by reading: as long as
    /// the same batch comes back, an offset lies in it. The step doubles until it is past the batch,
    /// then halves: 2 log₂(length) reads.
    private func endOfCorruptBatch(
        at base: Int64,
        partition index: Int
    ) throws(KafkaError) -> Int64 {
        let partition = partitions[index]
        let high = try consumer.watermarks(
            of: [(partition.name, partition.number)],
            timeoutMilliseconds: patience.milliseconds,
            shouldStop: patience.shouldStop
        )[0].high
        var inside = progress[index].position
        var outside = min(inside + 1, high)
        var step: Int64 = 1
        while outside < high, try isInCorruptBatch(at: base, offset: outside, of: partition) {
            inside = outside
            step *= 2
            outside = min(inside + step, high)
        }
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2
            if try isInCorruptBatch(at: base, offset: middle, of: partition) {
                inside = middle
            } else {
                outside = middle
            }
        }
        return outside
    }

    private func isInCorruptBatch(
        at base: Int64,
        offset: Int64,
        of partition: Partition
    ) throws(KafkaError) -> Bool {
        var isInside = false
        var failure: KafkaError?
        try probe.read([(partition, offset)]) { _, message in
            guard case .failure(let error) = message.kind else { return }
            if error.isCorruptBatch { isInside = message.offset == base } else { failure = error }
        }
        if let failure { throw failure }
        return isInside
    }
}
