import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterOutcomes
import MusterProbes
import MusterSystem

struct LintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Checks drill files, services files and runbooks without touching anything.",
        discussion: "Example: muster lint drills/ runbooks/")

    @Argument(help: "Files or directories.", completion: .file()) var paths: [String]
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let files = try paths.flatMap(Linter.files)
            // Of several the others are checked all the same.
            let check = files.count == 1 ? Linter.check : Linter.checkAsFarAsItGoes
            let results = try files.map(check)
            if output.json {
                Terminal.line(Value.list(results.map(\.value)).prettyJSON)
            } else {
                for result in results { Terminal.write(result.text) }
                let errors = results.reduce(0) { $0 + $1.errors.count }
                let warnings = results.reduce(0) { $0 + $1.warnings.count }
                Terminal.line(
                    "\(Observing.count(files.count, "file")): \(Observing.count(errors, "error")), "
                        + Observing.count(warnings, "warning"))
            }
            return results.contains { !$0.errors.isEmpty } ? .usage : .pass
        }
    }
}

/// Checks one file by what it is.
enum Linter {
    struct Result {
        var path: String
        var source: String
        var errors: [FormProblem]
        var warnings: [FormProblem]

        var text: String {
            ProblemText.render(errors, path: path, source: source)
                + ProblemText.render(warnings, .warning, path: path, source: source)
        }

        var value: Value {
            func list(_ problems: [FormProblem]) -> Value {
                .list(
                    problems.map { problem in
                        [
                            "line": problem.place.map { .int(Int64($0.line)) } ?? .null,
                            "column": problem.place.map { .int(Int64($0.column)) } ?? .null,
                            "path": .text(problem.path), "message": .text(problem.message),
                            "expected": problem.expected.map { .text($0) } ?? .null,
                            "nearest": problem.nearest.map { .text($0) } ?? .null,
                        ]
                    })
            }
            return ["path": .text(path), "errors": list(errors), "warnings": list(warnings)]
        }
    }

    static func files(_ path: String) throws -> [String] {
        guard Files.exists(path) else {
            throw Refusal(.usage, "\(path) does not exist", advice: "name a file or a directory")
        }
        guard Files.isDirectory(path) else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        let files = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".md") }
            .filter { !$0.hasPrefix("reports/") }
            .sorted().map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
            .filter { file in
                // A link that leads nowhere is told of; a pipe would be waited for.
                var status = stat()
                return stat(file, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
            }
        guard !files.isEmpty else {
            throw Refusal(
                .usage, "\(path) holds no drill, services file or runbook",
                advice: "name a directory with .yaml or .md files, or a file")
        }
        return files
    }

    static func checkAsFarAsItGoes(_ path: String) throws -> Result {
        do { return try check(path) } catch let refusal as Refusal {
            let problem = FormProblem(refusal.message, at: nil, expected: refusal.advice)
            return Result(path: path, source: "", errors: [problem], warnings: [])
        }
    }

    static func check(_ path: String) throws -> Result {
        let text = try Files.text(path)
        var result = Result(path: path, source: text, errors: [], warnings: [])
        let now = SystemTimekeeper().utcNanoseconds()
        do {
            if path.hasSuffix(".md") {
                let examination = RunbookReader.examine(text, fallbackTitle: path) { SHA256.hex(of: $0.utf8) }
                result.errors = examination.errors
                result.warnings = examination.warnings
            } else if path.hasSuffix("services.yaml") {
                _ = try Services(reading: text, now: now)
            } else if path.hasSuffix("notify.yaml") {
                _ = try NoticeFile.read(text)
            } else if path.hasSuffix("schedules.yaml") {
                let examination = ScheduleLoader(path: path).examine(text, now: Moment(utcNanoseconds: now))
                result.errors = examination.errors
                result.warnings = examination.warnings
            } else if GameDayFile.isOne(path) {
                let examination = GameDayFile(path: path, text: text).examine(
                    now: Moment(utcNanoseconds: now))
                result.errors = examination.errors
                result.warnings = examination.warnings
            } else {
                let project = Project(containing: path)
                let services = try registry(project, now)
                let examination = DrillReader(
                    faults: .standard, probes: .standard, workloads: .standard, datasets: .standard,
                    services: services, now: now
                ).examine(text)
                result.errors = examination.errors
                result.warnings = examination.warnings
            }
        } catch let problems as FormProblems {
            result.errors = problems.problems
        }
        return result
    }

    /// - Throws: `FormProblems` when it cannot be read: a drill of that project could not be run either.
    private static func registry(_ project: Project, _ now: Int64) throws -> Services? {
        guard Files.exists(project.services) else { return nil }
        do {
            return try Services(reading: Files.text(project.services), now: now)
        } catch is FormProblems {
            throw FormProblems([
                FormProblem(
                    "\(ReportFiles.shown(project.services)) cannot be read, so this cannot be checked against it",
                    at: nil, expected: "a services file without errors; `muster lint` shows them")
            ])
        }
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Whether every service's objectives are proven by recent drills; for CI. Exits 6 when not.",
        discussion: "Example: muster verify --max-age 30d")

    @Option(help: "Only this service.") var service: String?
    @Option(help: "The oldest proof that counts, such as 30d.") var maxAge: String?
    @Option(name: .customLong("env"), help: "Only outcomes of this environment: lab, staging or production.")
    var environment: String?
    @Flag(help: "Do not fail for what was never drilled.") var allowMissing = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            let text = try Files.text(project.services)
            let now = SystemTimekeeper().utcNanoseconds()
            let services: Services
            do {
                services = try Services(reading: text, now: now)
            } catch let problems as FormProblems {
                throw Refusal(
                    .usage, ProblemText.render(problems.problems, path: project.services, source: text),
                    advice: "mend the lines above")
            }
            if let service, services[service] == nil {
                throw Refusal(.usage, "there is no service '\(service)' in \(project.services)", advice: "")
            }
            let rows = Coverage.rows(
                for: services.requirements.filter { service == nil || $0.service == service },
                outcomes: try summaries(project), asOf: now, environment: try chosenEnvironment(),
                maxAge: try age())
            show(rows)
            let isProven = rows.allSatisfy { $0.state == .proven || (allowMissing && $0.state == .never) }
            return isProven ? .pass : .notVerified
        }
    }

    private func summaries(_ project: Project) throws -> [OutcomeSummary] {
        guard Files.exists(project.outcomesPath(store.outcomes)) else { return [] }
        return try store.open(project).summaries(limit: nil)
    }

    private func age() throws -> Duration? {
        guard let maxAge else { return nil }
        guard let age = Duration(units: maxAge) else {
            throw Refusal(.usage, "--max-age \(maxAge): not a duration", advice: "such as --max-age 30d")
        }
        return age
    }

    private func chosenEnvironment() throws -> Environment? {
        guard let environment else { return nil }
        guard let chosen = Environment(rawValue: environment) else {
            throw Refusal(.usage, "--env \(environment): not known", advice: "lab, staging or production")
        }
        return chosen
    }

    private func show(_ rows: [CoverageRow]) {
        if output.json {
            Terminal.line(
                Value.list(
                    rows.map { row in
                        [
                            "service": .text(row.requirement.service),
                            "failureMode": row.requirement.failureMode.map { .text($0) } ?? .null,
                            "state": .text(row.state.rawValue),
                            "outcome": row.outcome.map { .int(Int64($0)) } ?? .null,
                            "environment": row.environment.map { .text($0.rawValue) } ?? .null,
                            "ageNanoseconds": row.age.map { .int($0.nanoseconds) } ?? .null,
                            "reason": .text(row.reason),
                        ]
                    }
                ).prettyJSON)
            return
        }
        var table = Table("SERVICE", "FAILURE MODE", "STATE", "OUTCOME", "AGE", "WHY")
        for row in rows {
            table.add(
                row.requirement.service, row.requirement.failureMode ?? "-", row.state.rawValue.uppercased(),
                row.outcome.map { "#\($0)" } ?? "-", row.age?.forPeople ?? "-", row.reason)
        }
        Terminal.line(table.text(width: Terminal.width))
    }
}

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "A JSON Schema, so that editors complete and check drill files.",
        discussion: "Example: muster schema drill > drills/drill.schema.json")

    @Argument(help: "drill, services, schedules, gameday or notify.") var what: String

    func run() throws {
        try carryOut {
            switch what {
            case "drill":
                Terminal.write(
                    DrillSchema.drill(
                        faults: .standard, probes: .standard, workloads: .standard, datasets: .standard))
            case "services": Terminal.write(DrillSchema.services)
            case "schedules": Terminal.write(DrillSchema.schedules)
            case "gameday": Terminal.write(DrillSchema.gameDay)
            case "notify": Terminal.write(DrillSchema.notify)
            default:
                throw Refusal(
                    .usage, "there is no schema '\(what)'",
                    advice: "muster schema drill, services, schedules, gameday or notify")
            }
            return .pass
        }
    }
}
