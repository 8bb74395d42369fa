import ArgumentParser
import Configure
import Foundation
import Source

/// The one executable: its commands, and how they end.
@main
struct Freshet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "Keeps a click and conversion model as fresh as its event stream.",
        discussion: """
            Reads impressions, clicks and conversions from Kafka or files, joins them, trains an \
            ESMM/MMoE model on every event and keeps writing snapshots.
            """,
        version: programVersion,
        subcommands: [
            DemoCommand.self,
            RunCommand.self,
            ReplayCommand.self,
            RecordCommand.self,
            ExportCommand.self,
            RollbackCommand.self,
            PredictCommand.self,
            InspectCommand.self,
            DiffCommand.self,
            CheckCommand.self,
            GenerateCommand.self,
            BrokerCommand.self,
        ]
    )

    /// Exit status 0 on success, 64 on wrong usage or configuration, 1 otherwise; what was wrong and
    /// where goes to standard error in one line.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Foundation.exit(report(error))
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        let code = exitCode(for: error)
        if code == .success { exit(withError: error) }
        if error is ExitCode { return code.rawValue }
        let isSetting =
            error is ConfigurationError || (error as? SourceError)?.isRefusedSetting == true
        let isUsage = code == .validationFailure || isSetting
        let line = (isUsage && !isSetting ? message(for: error) : "\(error)")
            .split(separator: "\n").joined(separator: " ")
        FileHandle.standardError.write(Data("freshet: \(line)\n".utf8))
        return isUsage ? 64 : 1
    }
}

/// The version of this program, as manifests name it.
let programVersion = "0.1.0"
