import Events
import Pipeline
import StateCoding
import Testing

@Suite("The sample of recent impressions")
struct ImpressionSampleTests {
    private func sample(capacity: Int, offering count: Int) -> ImpressionSample {
        var sample = ImpressionSample(capacity: capacity)
        for number in 0..<count { offer(number, to: &sample) }
        return sample
    }

    private func offer(_ number: Int, to sample: inout ImpressionSample) {
        sample.offer(EventID("\(number)"), payload: Array("record \(number)".utf8).span)
    }

    @Test("holds all of a short stream, and of a long one recent ones chosen by their ids")
    func selection() {
        #expect(
            sample(capacity: 8, offering: 5).records.map { String(decoding: $0, as: UTF8.self) }
                == (0..<5).map { "record \($0)" }
        )
        let chosen = (8..<2_000).filter { EventID("\($0)").isChosen }
        #expect(chosen.count > 80 && chosen.count < 180, "one of 16")
        #expect(
            sample(capacity: 8, offering: 2_000).records.map { String(decoding: $0, as: UTF8.self) }
                == chosen.suffix(8).map { "record \($0)" }
        )
        #expect(sample(capacity: 0, offering: 100).records.isEmpty)
    }

    @Test("leaves out records that are too long")
    func bounds() {
        var sample = ImpressionSample(capacity: 2)
        let limit = ImpressionSample.payloadBytesMax
        sample.offer(EventID("a"), payload: Array(repeating: 1, count: limit + 1).span)
        #expect(sample.records.isEmpty)
        sample.offer(EventID("a"), payload: Array(repeating: 1, count: limit).span)
        #expect(sample.records.count == 1)
    }

    @Test(
        "goes on from what it encoded, at another capacity with the newest that fit",
        arguments: [3, 8, 20]
    )
    func coding(capacity: Int) throws {
        let original = sample(capacity: 8, offering: 300)
        var writer = StateWriter()
        original.encode(to: &writer)
        var copy = ImpressionSample(capacity: capacity)
        var reader = StateReader(writer.bytes)
        try copy.decode(from: &reader)
        try reader.finish()
        #expect(copy.records == original.records.suffix(capacity))
        var going = original
        for number in 300..<600 {
            offer(number, to: &going)
            offer(number, to: &copy)
        }
        if capacity == 8 { #expect(copy.records == going.records) }
        #expect(copy.records.last == going.records.last)
    }

    @Test("that is cut or claims too much is refused")
    func hostile() throws {
        var writer = StateWriter()
        sample(capacity: 4, offering: 4).encode(to: &writer)
        for end in 0..<writer.bytes.count {
            var copy = ImpressionSample(capacity: 4)
            var reader = StateReader(Array(writer.bytes[..<end]))
            #expect(throws: StateError.self) { try copy.decode(from: &reader) }
        }
        var claim = StateWriter()
        claim.write(UInt32(ImpressionSample.capacityMax + 1))
        claim.write(bytes: [UInt8](repeating: 0, count: 1 << 16).span)
        var copy = ImpressionSample(capacity: 4)
        var reader = StateReader(claim.bytes)
        #expect(throws: StateError.self) { try copy.decode(from: &reader) }
    }
}
