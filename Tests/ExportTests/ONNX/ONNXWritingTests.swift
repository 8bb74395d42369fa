import Events
import Export
import Learn
import Testing

@Suite("Writing ONNX")
struct ONNXWritingTests {
    private func write(
        _ model: ExportedModel,
        _ writer: ONNXModelWriter = ONNXModelWriter(),
        to files: StagedFiles = StagedFiles()
    ) throws -> [String] {
        try model.scorer(seed: 1).withModel { model throws(ExportError) in
            try writer.write(model, to: "export", files: files)
        }
    }

    @Test(
        "a field that cannot be an input is an error that names it",
        arguments: [
            ("ctr", "that of an output"), ("ctcvr", "that of an output"),
            ("expert.0.0.weight", "that of a parameter"),
            ("embedding.age.weight", "that of a parameter"), ("age", "occurs twice"),
            ("", "is empty"),
        ]
    )
    func fieldName(name: String, reason: String) throws {
        let age = FeatureField(name: "age", kind: .bucketed(boundaries: [18]))
        let model = ExportedModel(
            testDescription: "",
            schema: FeatureSchema(fields: [
                age, FeatureField(name: name, kind: .numeric(clip: 5)),
            ])
        )
        let error = try #require(throws: ExportError.self) { try write(model) }
        #expect(error.description.contains("feature \(name):"))
        #expect(error.description.contains(reason))
    }

    @Test("a bucket that no number stands for is an error that names the field")
    func boundary() throws {
        let extreme = -Float.greatestFiniteMagnitude
        let model = ExportedModel(
            testDescription: "",
            schema: FeatureSchema(fields: [
                FeatureField(name: "age", kind: .bucketed(boundaries: [extreme, 1]))
            ])
        )
        let error = try #require(throws: ExportError.self) { try write(model) }
        #expect(error.description.contains("feature age: "))
        #expect(error.description.contains("boundary"))
    }

    @Test(
        "a disk that is full at any step is an error that names the file",
        arguments: [0, 1 << 30]
    )
    func fullDisk(threshold: Int) throws {
        let model = ExportedModel(testDescription: "")
        let writer = ONNXModelWriter(externalDataThreshold: threshold)
        var steps = 0
        while true {
            let files = StagedFiles(failingAfter: steps)
            do {
                _ = try write(model, writer, to: files)
                break
            } catch let error as ExportError {
                #expect(error.description.contains("export/model.onnx"))
                #expect(error.description.contains("No space left"))
            }
            steps += 1
        }
        // Creating, writing and syncing each file.
        #expect(steps >= (threshold == 0 ? 6 : 3))
    }

    @Test("the same model makes the same bytes")
    func isReproducible() throws {
        let (first, second) = (StagedFiles(), StagedFiles())
        let writer = ONNXModelWriter(metadata: [("b", "1"), ("a", "2")])
        _ = try write(ExportedModel.init(testDescription: ""), writer, to: first)
        _ = try write(ExportedModel.init(testDescription: ""), writer, to: second)
        #expect(first.contents == second.contents)
    }
}
