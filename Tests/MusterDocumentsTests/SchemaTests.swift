import Foundation
import MusterCore
import MusterDocuments
import Testing

@Suite struct SchemaTests {
    private let schema = DrillSchema.drill(
        faults: Catalogues.faults, probes: Catalogues.probes, workloads: Catalogues.workloads,
        datasets: Catalogues.datasets)

    /// Validates with python's jsonschema (Debian: python3-jsonschema, python3-yaml).
    /// - Returns: the first line that it complains with; empty when the file is valid.
    static func complaint(about yaml: String, schema: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "muster-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try schema.write(to: folder.appending(path: "schema.json"), atomically: true, encoding: .utf8)
        try yaml.write(to: folder.appending(path: "drill.yaml"), atomically: true, encoding: .utf8)
        let script = """
            import json, sys
            try:
                import jsonschema, yaml
            except ImportError as missing:
                sys.exit("install python3-jsonschema and python3-yaml: %s" % missing)
            schema = json.load(open("schema.json"))
            jsonschema.Draft202012Validator.check_schema(schema)
            class Loader(yaml.SafeLoader):  # YAML 1.2, which editors read, has no dates
                yaml_implicit_resolvers = {
                    first: [one for one in all if not one[0].endswith(":timestamp")]
                    for first, all in yaml.SafeLoader.yaml_implicit_resolvers.items()
                }
            drill = yaml.load(open("drill.yaml"), Loader)
            for error in jsonschema.Draft202012Validator(schema).iter_errors(drill):
                print(list(error.absolute_path), error.message.splitlines()[0][:300])
                break
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text + (process.terminationStatus == 0 ? "" : " (exit \(process.terminationStatus))")
    }

    @Test func whatTheReaderAcceptsIsValid() throws {
        #expect(try Self.complaint(about: FixtureFiles.text("drills/redis-kill.yaml"), schema: schema) == "")
        #expect(try Self.complaint(about: FixtureFiles.text("drills/base.yaml"), schema: schema) == "")
        #expect(
            try Self.complaint(about: FixtureFiles.text("services.yaml"), schema: DrillSchema.services) == "")
    }

    @Test(arguments: [
        ("every: 10ms", "evry: 10ms"), ("every: 10ms", "every: 10"), ("500/s", "500"),
        ("inject: process-kill", "inject: proces-kill"), ("{ signal: KILL }", "{ signal: KIL }"),
        ("{ signal: KILL }", "{ sginal: KILL }"), ("judgedBy:", "judgeBy:"), ("drill: broken\n", ""),
        ("rto: 2s", "rto: { max: 2s, from: noticed }"), ("stable: 30s", "stable: 30"),
        ("rto: 2s", "rto: 2s, allowPostFaultLoss: 3"),
    ])
    func whatTheReaderRefusesIsInvalid(_ old: String, _ new: String) throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        let text = base.replacing(old, with: new, maxReplacements: 1)
        #expect(try Self.complaint(about: text, schema: schema).hasPrefix("["))
        #expect(!Catalogues.reader().examine(text).errors.isEmpty)
    }

    @Test func descriptionsComeFromTheForms() {
        #expect(schema.contains("\"description\": \"Ends processes.\""))
        #expect(schema.contains("Writes per second of all writers."))
        #expect(!schema.contains("not yet\""))
    }
}
