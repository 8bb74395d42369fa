import Configure
import Foundation
import Testing

@Suite("Secrets")
struct SecretTests {
    private func configuration(_ secret: String) throws -> Configuration {
        try Configuration(
            yaml: """
                features: [{name: a, kind: numeric}]
                kafka: {secrets: {sasl.password: \(secret)}}
                """
        )
    }

    @Test("a secret comes from the environment when connecting, and is nowhere before")
    func environment() throws {
        let read = try configuration("{environment: KAFKA_PASSWORD}")
        let settings = try read.kafka.connectionSettings(
            environment: ["KAFKA_PASSWORD": "hunter2"])
        #expect(settings["sasl.password"] == "hunter2")
        #expect(settings["bootstrap.servers"] == "localhost:9092")
        #expect(
            read.resolved.contains("sasl.password: {environment: \"KAFKA_PASSWORD\"}")
                || read.resolved.contains("sasl.password: {environment: KAFKA_PASSWORD}")
        )
        #expect(!"\(read)".contains("hunter2"))
    }

    @Test("a secret comes from a file, without the line break at its end")
    func file() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        let read = try configuration("{file: \"\(url.path)\"}")
        for (content, secret) in [
            ("hunter2\n", "hunter2"), ("hunter2", "hunter2"), ("hunter2\r\n", "hunter2"),
            (" a\nb\n\n", " a\nb\n"),
        ] {
            try Data(content.utf8).write(to: url)
            let settings = try read.kafka.connectionSettings(environment: [:])
            #expect(settings["sasl.password"] == secret)
        }
    }

    @Test("a secret that is not there is an error naming the key and its source")
    func missing() throws {
        let variable = try configuration("{environment: KAFKA_PASSWORD}")
        for environment in [[:], ["KAFKA_PASSWORD": ""]] {
            let error = try #require(throws: ConfigurationError.self) {
                _ = try variable.kafka.connectionSettings(environment: environment)
            }
            #expect(error.key == "kafka.secrets.sasl.password")
            #expect(error.problem.contains("KAFKA_PASSWORD is not set"))
        }
        for (path, phrase) in [
            ("/nowhere/secret", "No such file"), ("/dev/null", "is empty"),
            ("/dev/zero", "longer than"),
        ] {
            let file = try configuration("{file: \(path)}")
            let error = try #require(throws: ConfigurationError.self) {
                _ = try file.kafka.connectionSettings(environment: [:])
            }
            #expect(error.key == "kafka.secrets.sasl.password")
            #expect(error.problem.contains(path) && error.problem.contains(phrase), "\(error)")
        }
    }
}
