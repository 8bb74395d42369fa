internal import Events
public import Snapshot

/// The files of a generated stream, as `replay --files` reads them: one per role, or per role and
/// partition. They take their names only when all of them are whole.
public struct EventFolder: GeneratedEventSink, ~Copyable {
    public static let reportName = "planted.json"
    public static let plantedName = "planted.jsonl"

    private let fileSystem: any FileSystem
    private let directory: String
    private let partitionCount: Int
    /// [roles, partitions], then perhaps the planted probabilities.
    private var files: [LineFile] = []
    private let hasPlanted: Bool
    private var isFinished = false

    /// Opens the folder, which is made if it does not exist.
    /// - Parameter writesPlanted: also write `planted.jsonl`, one line per impression:
    ///   `{"impression_id", "ctr", "cvr", "ctcvr"}`.
    /// - Throws: `FileError`; also when the folder holds a stream already.
    public init(
        _ directory: String,
        partitionCount: Int = 1,
        writesPlanted: Bool = false,
        fileSystem: any FileSystem = DiskFileSystem()
    ) throws(FileError) {
        precondition(partitionCount > 0)
        self.fileSystem = fileSystem
        self.directory = directory
        self.partitionCount = partitionCount
        hasPlanted = writesPlanted
        try fileSystem.makeDirectory(directory)
        if let name = try fileSystem.list(directory).first(where: Self.isTaken) {
            throw FileError(
                operation: "create",
                path: directory + "/" + name,
                reason: "exists already; choose another folder or remove it"
            )
        }
        for role in Role.allCases {
            for partition in 0..<partitionCount {
                let name = Self.name(of: role, partition: partition, partitionCount: partitionCount)
                files.append(try LineFile(name, in: directory, fileSystem))
            }
        }
        if writesPlanted {
            files.append(try LineFile(Self.plantedName, in: directory, fileSystem))
        }
    }

    deinit {
        guard !isFinished else { return }
        for file in files { file.abandon(fileSystem) }
    }

    public mutating func send(
        _ event: GeneratedEvent,
        key: Span<UInt8>,
        payload: Span<UInt8>
    ) throws {
        let partition = partition(ofKey: key, partitionCount: partitionCount)
        try files[Int(event.role.rawValue) * partitionCount + partition].append(payload)
        guard hasPlanted, let planted = event.planted else { return }
        let probability = planted.probability
        var line = Array("{\"impression_id\":\"".utf8)
        for index in key.indices { line.append(key[index]) }
        line += "\",\"ctr\":\(probability.ctr),\"cvr\":\(probability.cvr),".utf8
        line += "\"ctcvr\":\(probability.ctcvr)}".utf8
        try files[files.count - 1].append(line.span)
    }

    /// Writes the report, as JSON, and gives every file its name.
    public mutating func finish(report: [UInt8]) throws(FileError) {
        var last = try LineFile(Self.reportName, in: directory, fileSystem)
        do throws(FileError) {
            try last.append(report.span)
            files.append(last)
            for index in files.indices { try files[index].flush() }
            for file in files { try file.publish(fileSystem) }
        } catch {
            last.abandon(fileSystem)
            throw error
        }
        isFinished = true
    }

    private static func name(of role: Role, partition: Int, partitionCount: Int) -> String {
        guard partitionCount > 1 else { return role.plural + ".jsonl" }
        let digits = String(partition)
        let width = String(partitionCount - 1).count
        let zeros = String(repeating: "0", count: width - digits.count)
        return "\(role.plural)-\(zeros)\(digits).jsonl"
    }

    /// Whether `replay` would read the file, or it is one of ours.
    private static func isTaken(_ name: String) -> Bool {
        if name == reportName || name == plantedName { return true }
        return Role.allCases.contains { name.hasPrefix($0.plural) }
            && (name.hasSuffix(".jsonl") || name.hasSuffix(".jsonl.lz4"))
    }
}

/// The partition of an event: XXH64 of its impression id's text with seed 0, modulo their number.
/// Hence all events of an impression are in partitions of one number.
public func partition(ofKey key: Span<UInt8>, partitionCount: Int) -> Int {
    Int(xxHash64(key, seed: 0) % UInt64(partitionCount))
}

/// A file being written line by line under a temporary name.
private struct LineFile {
    private let path: String
    private let file: any WritableFile
    private var buffer: [UInt8] = []

    private var temporaryPath: String { path + ".partial" }

    init(
        _ name: String,
        in directory: String,
        _ fileSystem: any FileSystem
    ) throws(FileError) {
        path = directory + "/" + name
        file = try fileSystem.create(path + ".partial")
    }

    mutating func append(_ line: Span<UInt8>) throws(FileError) {
        unsafe line.withUnsafeBufferPointer { bytes in unsafe buffer.append(contentsOf: bytes) }
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= 1 << 16 { try flush() }
    }

    mutating func flush() throws(FileError) {
        try unsafe file.write(buffer.span.bytes)
        buffer.removeAll(keepingCapacity: true)
    }

    func publish(_ fileSystem: any FileSystem) throws(FileError) {
        try fileSystem.rename(temporaryPath, to: path)
    }

    func abandon(_ fileSystem: any FileSystem) {
        // Whatever kept the stream from being written is what the user needs to hear about.
        try? fileSystem.remove(temporaryPath)
    }
}
