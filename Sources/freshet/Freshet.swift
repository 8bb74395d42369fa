import ArgumentParser

@main
struct Freshet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "A streaming online learner for clicks and conversions.",
        subcommands: [GenerateCommand.self]
    )
}
