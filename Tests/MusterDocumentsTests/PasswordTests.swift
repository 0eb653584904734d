import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterProbes
import Testing

/// `password:` of a probe or workload is read from elsewhere, and never stands in the drill.
@Suite struct PasswordTests {
    private func examine(_ password: String) -> DrillExamination {
        let text = """
            format: 1
            drill: db
            targets: { db: { process: { name: postgres } } }
            probes: { db: { postgres: "host=h", password: \(password) } }
            workloads: { orders: { postgres: "host=h", password: \(password) } }
            steps: [{ inject: process-kill, into: db }]
            """
        let reader = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, datasets: .standard, services: nil,
            now: 0)
        let resources = DrillResources(
            port: { _ in 1 }, scratch: { "/x" }, environment: { ["TOKEN": "s3cret"][$0] },
            file: { _ in "file-secret" })
        return reader.examine(text, resources: resources)
    }

    @Test(arguments: [("\"${env:TOKEN}\"", "s3cret"), ("\"${file:/etc/pg pass}\"", "file-secret")])
    func itIsReadFromTheEnvironmentOrAFile(_ written: String, _ read: String) throws {
        let found = examine(written)
        #expect(found.errors.isEmpty, "\(found.errors)")
        #expect(found.secrets == [read])
        let drill = try #require(found.drill)
        #expect((drill.probes[0].probe as? PostgresProbe)?.password == read)
        #expect((drill.workloads[0].workload as? PostgresWorkload)?.password == read)
    }

    @Test(arguments: [
        "geheim", "\"x${env:TOKEN}\"", "\"${env:TOKEN}x\"", "\"${env:TOKEN}${env:TOKEN}\"", "\"${scratch}\"",
    ])
    func itIsRefusedWhereItStandsInTheDrill(_ written: String) {
        let messages = examine(written).errors.map(\.message)
        #expect(messages == Array(repeating: "a password in the drill would be stored and shown", count: 2))
    }

    /// What is behind a hidden password keeps its caret.
    @Test func theCaretStandsWhereTheProblemIs() {
        let line = "db: { password: geheimnis, postgres: 5 }"
        for (column, word) in [(1, "db"), (28, "postgres")] {
            let shown = ProblemText.render(
                [FormProblem("wrong", at: Place(line: 1, column: column))], path: "x", source: line)
            let lines = shown.split(separator: "\n")
            #expect(lines[1] == "    db: { password: ***, postgres: 5 }")
            let caret = lines[2].distance(from: lines[2].startIndex, to: lines[2].firstIndex(of: "^")!)
            #expect(lines[1].dropFirst(caret).hasPrefix(word), "\(shown)")
        }
    }
}
