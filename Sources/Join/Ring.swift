/// A first-in, first-out queue in an array that is used as a ring. Elements are numbered from 0 in
/// the order in which they came, and can be reached by any low bits of their number that tell the
/// elements present apart.
struct Ring<Element: BitwiseCopyable & Sendable>: Sendable {
    /// Power of two; element n is at n modulo its size. Unused places hold leftovers.
    private var storage: [Element] = []
    private(set) var firstNumber = 0
    private(set) var endNumber = 0

    var count: Int { endNumber - firstNumber }
    var isEmpty: Bool { firstNumber == endNumber }
    var first: Element? { isEmpty ? nil : self[firstNumber] }
    var last: Element? { isEmpty ? nil : self[endNumber - 1] }
    var memoryBytes: Int { storage.capacity * MemoryLayout<Element>.stride }

    subscript(number: Int) -> Element {
        _read { yield storage[number & (storage.count - 1)] }
        _modify { yield &storage[number & (storage.count - 1)] }
    }

    mutating func append(_ element: Element) {
        if count == storage.count { grow(fill: element) }
        storage[endNumber & (storage.count - 1)] = element
        endNumber += 1
    }

    mutating func removeFirst() {
        precondition(!isEmpty)
        firstNumber += 1
    }

    /// Removes elements anywhere; the others keep their order but not their numbers.
    mutating func removeAll(where shouldRemove: (Element) -> Bool) {
        var end = firstNumber
        for number in firstNumber..<endNumber {
            let element = self[number]
            if shouldRemove(element) { continue }
            self[end] = element
            end += 1
        }
        endNumber = end
    }

    private mutating func grow(fill: Element) {
        var larger = Array(repeating: fill, count: max(16, storage.count * 2))
        for number in firstNumber..<endNumber {
            larger[number & (larger.count - 1)] = self[number]
        }
        storage = larger
    }
}
