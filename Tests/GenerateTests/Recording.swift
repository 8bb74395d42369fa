import Events
import Foundation
import Generate
import Testing

/// One generated event with a copy of its bytes.
struct RecordedEvent: Equatable {
    var event: GeneratedEvent
    var key: String
    var payload: [UInt8]

    var json: [String: Any] {
        get throws {
            let object = try JSONSerialization.jsonObject(with: Data(payload))
            return try #require(object as? [String: Any])
        }
    }

    static func == (first: RecordedEvent, second: RecordedEvent) -> Bool {
        first.payload == second.payload && first.key == second.key
            && first.event.role == second.event.role && first.event.time == second.event.time
            && first.event.flaw == second.event.flaw && first.event.planted == second.event.planted
    }
}

/// All events of a stream that ends.
func record(_ settings: GeneratorSettings) throws -> [RecordedEvent] {
    var generator = try StreamGenerator(settings)
    var events: [RecordedEvent] = []
    while let event = generator.next() {
        let key = String(decoding: generator.key, as: UTF8.self)
        events.append(RecordedEvent(event: event, key: key, payload: generator.payload))
    }
    return events
}

/// The planted outcomes of all impressions of a stream that ends.
func plantedOutcomes(_ settings: GeneratorSettings) throws -> [PlantedOutcome] {
    var generator = try StreamGenerator(settings)
    var outcomes: [PlantedOutcome] = []
    while let event = generator.next() {
        if let planted = event.planted { outcomes.append(planted) }
    }
    return outcomes
}
