import Kafka
import Testing

@Suite("Kafka settings")
struct SettingsTests {
    private let base = ["bootstrap.servers": "127.0.0.1:1"]

    private func refusal(_ more: [String: String]) -> KafkaError? {
        #expect(throws: KafkaError.self) {
            _ = try KafkaConsumer(settings: KafkaSettings(base.merging(more) { $1 }))
        }
    }

    @Test("an unknown setting is refused by its name, in librdkafka's words")
    func unknownName() {
        let error = refusal(["fetch.wayt": "x9y8z7"])
        #expect(error?.operation.contains("fetch.wayt") == true)
        #expect(error?.reason.contains("No such configuration property") == true)
        #expect(error?.description.contains("x9y8z7") == false)
    }

    @Test("an impossible value is refused by its setting's name and is not repeated")
    func impossibleValue() {
        for value in ["sesame", "-77", "open sesame"] {
            let error = refusal(["session.timeout.ms": value])
            #expect(error?.operation.contains("session.timeout.ms") == true)
            #expect(error?.description.contains(value) == false)
            #expect(error?.reason.isEmpty == false)
        }
    }

    @Test("a secret does not show when the client cannot be created")
    func secretIsNotShown() {
        let error = refusal([
            "security.protocol": "ssl", "ssl.key.pem": "hunter2-secret-material",
            "sasl.password": "correct-horse",
        ])
        #expect(error != nil)
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.contains("correct-horse") == false)
    }

    @Test("settings print as names only")
    func names() {
        let settings = KafkaSettings(["sasl.password": "correct-horse", "client.id": "me"])
        #expect("\(settings)" == "KafkaSettings(client.id, sasl.password)")
    }

    @Test(
        "a setting that correctness rests on cannot be changed",
        arguments: [
            "check.crcs", "auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store",
            "enable.partition.eof",
        ]
    )
    func requiredSettings(name: String) {
        let error = refusal([name: name == "auto.offset.reset" ? "earliest" : "maybe"])
        #expect(error?.operation.contains(name) == true)
    }

    @Test("a setting that correctness rests on may be repeated")
    func requiredSettingRepeated() throws {
        _ = try KafkaConsumer(settings: KafkaSettings(base.merging(["check.crcs": "true"]) { $1 }))
    }

    @Test("missing servers are said to be missing")
    func missingServers() {
        let error = #expect(throws: KafkaError.self) {
            _ = try KafkaConsumer(settings: KafkaSettings([:]))
        }
        #expect(error?.reason.contains("bootstrap.servers") == true)
    }
}
