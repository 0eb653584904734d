import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterProbes
import Testing

/// Every drill and runbook that comes with Muster can be read, with the catalogues that come with it.
@Suite struct ShippedFilesTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func files(_ folder: String, _ ending: String) -> [String] {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    private func reader() throws -> DrillReader {
        let now = Int64(Date().timeIntervalSince1970) * 1_000_000_000
        let services = try Services(reading: text("drills/services.yaml"), now: now)
        return DrillReader(
            faults: FaultCatalog.standard, probes: ProbeCatalog.standard, workloads: WorkloadCatalog.standard,
            datasets: .standard, services: services, now: now)
    }

    @Test(
        arguments: files("drills", ".yaml").filter {
            !$0.hasSuffix("/services.yaml") && !$0.hasSuffix("/schedules.yaml")
        })
    func drillsAreRead(_ path: String) throws {
        let reader = try reader()
        let source = try text(path)
        let found = reader.examine(source)
        #expect(found.errors.isEmpty, "\(ProblemText.render(found.errors, path: path, source: source))")
        #expect(found.drill?.objectives.rto != nil)
        let schema = DrillSchema.drill(
            faults: FaultCatalog.standard, probes: ProbeCatalog.standard, workloads: WorkloadCatalog.standard,
            datasets: .standard)
        #expect(try SchemaTests.complaint(about: source, schema: schema) == "")
    }

    /// A prediction about somebody else's program is theirs: the drill says where it stands.
    @Test(arguments: files("drills", ".yaml"))
    func predictionsNameTheirSource(_ path: String) throws {
        let lines = try text(path).split(separator: "\n")
        guard lines.contains(where: { $0.hasPrefix("# Needs:") || $0.contains("apt-get install") }),
            let prediction = lines.firstIndex(where: { $0.hasPrefix("predict:") })
        else { return }
        #expect(
            lines[..<prediction].suffix(6).contains { $0.hasPrefix("# Source: ") },
            "\(path) predicts, and does not say from what documentation")
    }

    /// What only disturbs a network cannot say whether data outlive anything.
    @Test(arguments: ["http-errors", "tls-certificate", "redis-slow-network", "redis-proxy-cut", "partition"])
    func disturbedNetworksSayNothingAboutDurability(_ name: String) throws {
        let reader = try reader()
        let drill = try #require(reader.examine(try text("drills/\(name).yaml")).drill)
        #expect(DrillJudge.durabilityScope(of: drill) == "none")
    }

    @Test func schedulesAreRead() throws {
        let source = try text("drills/schedules.yaml")
        let resources = ScheduleReaderTests.resources()
        let found = Schedules.examine(source, now: ScheduleReaderTests.now, resources: resources)
        let problems = ProblemText.render(
            found.errors + found.warnings, path: "schedules.yaml", source: source)
        #expect(problems.isEmpty, "\(problems)")
        for schedule in found.schedules?.schedules ?? [] {
            #expect(Self.files("drills", ".yaml").contains(schedule.drill), "\(schedule.drill)")
        }
        #expect(found.schedules?.schedules.isEmpty == false)
        #expect(try SchemaTests.complaint(about: source, schema: DrillSchema.schedules) == "")
    }

    @Test(arguments: files("runbooks", ".md") + files("drills/backup", ".md"))
    func runbooksAreRead(_ path: String) throws {
        let source = try text(path)
        let found = RunbookReader.examine(source, fallbackTitle: path) { String($0.hashValue) }
        let problems = ProblemText.render(found.errors + found.warnings, path: path, source: source)
        #expect(problems.isEmpty, "\(problems)")
        let runbook = try #require(found.runbook)
        #expect(!runbook.steps.isEmpty)
        // Debian's sh is dash: it takes `{1..50}` for one word, and the loop is over after one round.
        for step in runbook.steps where step.shell == "sh" {
            let strange = step.body.firstMatch(of: /\{\d+\.\.\d+\}|\[\[|<<<|pipefail/)
            #expect(strange == nil, "\(step.name): \(strange?.output ?? "") is not for sh")
        }
    }

    /// Editors read the schemas from the files; `RECORD=1 swift test --filter ShippedFilesTests` rewrites them.
    @Test func schemasAreCurrent() throws {
        let drill = DrillSchema.drill(
            faults: FaultCatalog.standard, probes: ProbeCatalog.standard, workloads: WorkloadCatalog.standard,
            datasets: .standard)
        for (path, schema) in [
            ("drills/drill.schema.json", drill), ("drills/services.schema.json", DrillSchema.services),
            ("drills/schedules.schema.json", DrillSchema.schedules),
        ] {
            if ProcessInfo.processInfo.environment["RECORD"] == "1" {
                try Data(schema.utf8).write(to: Self.root.appending(path: path))
            }
            #expect(try text(path) == schema, "\(path) is not what `muster schema` prints")
        }
    }

    @Test func thereIsSomethingToRead() {
        #expect(Self.files("drills", ".yaml").count > 3)
        #expect(!Self.files("runbooks", ".md").isEmpty)
    }
}

/// Game days that come with Muster.
@Suite struct ShippedGameDayTests {
    @Test func theFirstGameDayIsRead() throws {
        let path = "drills/gamedays/first-game-day.yaml"
        let source = try String(contentsOf: ShippedFilesTests.root.appending(path: path), encoding: .utf8)
        let schedule = ScheduleReaderTests.resources()
        let resources = GameDayResources(zone: schedule.zone, zoneNames: schedule.zoneNames) { path, _ in
            let exists = FileManager.default.fileExists(
                atPath: ShippedFilesTests.root.appending(path: path).path)
            #expect(exists, "\(path)")
            return .init(longest: .seconds(60), environment: .lab, service: nil)
        }
        let found = GameDay.examine(source, now: ScheduleReaderTests.now, resources: resources)
        let problems = ProblemText.render(found.errors + found.warnings, path: path, source: source)
        #expect(problems.isEmpty && found.gameDay?.drills.count == 3, "\(problems)")
        #expect(try SchemaTests.complaint(about: source, schema: DrillSchema.gameDay) == "")
        let shipped = try String(
            contentsOf: ShippedFilesTests.root.appending(path: "drills/gameday.schema.json"), encoding: .utf8)
        #expect(shipped == DrillSchema.gameDay, "muster schema gameday > drills/gameday.schema.json")
    }
}
