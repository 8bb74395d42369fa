import Snapshot
import Synchronization

/// Files in memory, of which the operation that is due may fail.
final class StagedFiles: FileSystem {
    private struct State {
        var contents: [String: [UInt8]] = [:]
        var operationsLeft = Int.max
    }

    private let state = Mutex(State())

    var contents: [String: [UInt8]] {
        get { state.withLock { $0.contents } }
        set { state.withLock { $0.contents = newValue } }
    }

    init(_ contents: [String: [UInt8]] = [:], failingAfter operations: Int = .max) {
        state.withLock { $0 = State(contents: contents, operationsLeft: operations) }
    }

    fileprivate func step(_ operation: String, _ path: String) throws(FileError) {
        let isFailing = state.withLock { state in
            state.operationsLeft -= 1
            return state.operationsLeft < 0
        }
        if isFailing {
            throw FileError(operation: operation, path: path, reason: "No space left on device")
        }
    }

    fileprivate func append(_ bytes: [UInt8], _ path: String) {
        state.withLock { $0.contents[path, default: []] += bytes }
    }

    func create(_ path: String) throws(FileError) -> any WritableFile {
        try step("create", path)
        state.withLock { $0.contents[path] = [] }
        return StagedWriting(files: self, path: path)
    }

    func open(_ path: String) throws(FileError) -> any ReadableFile {
        guard let bytes = contents[path] else {
            throw FileError(operation: "open", path: path, reason: "none", isMissing: true)
        }
        return StagedReading(bytes)
    }

    func list(_ directory: String) throws(FileError) -> [String] { throw unused(directory) }
    func makeDirectory(_ path: String) throws(FileError) { throw unused(path) }
    func syncDirectory(_ path: String) throws(FileError) { throw unused(path) }
    func rename(_ path: String, to newPath: String) throws(FileError) { throw unused(path) }
    func remove(_ path: String) throws(FileError) { throw unused(path) }
    func kind(of path: String) throws(FileError) -> FileKind? { throw unused(path) }
    func makeLink(_ path: String, to: String) throws(FileError) { throw unused(path) }
    func lock(_ path: String, waits: Bool) throws(FileError) -> (any FileLock)? {
        throw unused(path)
    }

    private func unused(_ path: String) -> FileError {
        FileError(operation: "change", path: path, reason: "not part of writing or reading a model")
    }
}

private struct StagedWriting: WritableFile {
    let files: StagedFiles
    let path: String

    func write(_ bytes: RawSpan) throws(FileError) {
        try files.step("write", path)
        files.append(unsafe bytes.withUnsafeBytes { unsafe Array($0) }, path)
    }

    func sync() throws(FileError) { try files.step("sync", path) }
}

private final class StagedReading: ReadableFile {
    private var rest: ArraySlice<UInt8>
    let byteCount: Int

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
        byteCount = bytes.count
    }

    func read(into buffer: inout [UInt8], maxCount: Int) throws(FileError) {
        buffer = Array(rest.prefix(maxCount))
        rest = rest.dropFirst(maxCount)
    }
}
