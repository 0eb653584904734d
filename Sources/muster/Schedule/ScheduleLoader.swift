import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterProbes
import MusterSystem

/// Reads `drills/schedules.yaml` with the zones, files and drills of this machine.
struct ScheduleLoader {
    let path: String
    private let project: Project
    private let drills: KnownDrills

    init(path: String) {
        self.path = path
        project = Project(containing: path)
        drills = KnownDrills(project: project)
    }

    /// - Throws: `Refusal` with exit code 2 and every problem.
    func load(now: Moment) throws -> Schedules {
        guard Files.exists(path) else {
            throw Refusal(
                .usage, "there is no \(path)",
                advice: "write one (docs/SCHEDULING.md has an example), or go to the project's folder")
        }
        let text = try Files.text(path, atMost: Schedules.largest)
        let examination = examine(text, now: now)
        guard let schedules = examination.schedules else {
            throw Refusal(
                .usage,
                "\(path) cannot be used\n" + ProblemText.render(examination.errors, path: path, source: text),
                advice: "mend the lines above; `muster schedule check` checks again")
        }
        return schedules
    }

    func examine(_ text: String, now: Moment) -> Schedules.Examination {
        let folder = (path as NSString).deletingLastPathComponent
        let names = ZoneDirectory.names()
        return Schedules.examine(
            text, now: now,
            resources: ScheduleResources(
                zone: { try ZoneDirectory.rules($0) }, zoneNames: { names },
                file: { name in
                    let path = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
                    return try Self.asProblem {
                        [UInt8](try Files.beginning(of: path, HolidayFiles.largest + 1))
                    }
                },
                drill: { [drills] in try drills.facts($0, $1) }))
    }

    /// The files that a plan is made of: this one, and those that it names.
    func paths(of schedules: Schedules) -> [String] {
        let folder = (path as NSString).deletingLastPathComponent
        let beside = schedules.holidayFiles.map { $0.hasPrefix("/") ? $0 : folder + "/" + $0 }
        return [path, project.services] + beside
            + Set(schedules.schedules.map(\.drill)).map { project.path(ofDrill: $0) }.sorted()
    }

    /// When the file, or anything that it names, was last written.
    func lastEdit(of schedules: Schedules) -> Moment {
        let dates = paths(of: schedules).compactMap {
            (try? FileManager.default.attributesOfItem(atPath: $0))?[.modificationDate] as? Date
        }
        return Moment(seconds: Int64((dates.max() ?? Date(timeIntervalSince1970: 0)).timeIntervalSince1970))
    }

    static func asProblem<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let refusal as Refusal {
            throw FormProblem(refusal.message, at: nil, expected: refusal.advice)
        }
    }
}

/// Drills that schedules name, each read once for all that name it with the same variables.
final class KnownDrills: @unchecked Sendable {
    private struct Key: Hashable {
        var path: String
        var variables: [String: String]
    }

    private let project: Project
    private let lock = NSLock()
    private var known: [Key: Result<Drill, any Error>] = [:]
    private var services: Result<Services?, any Error>?
    private var examined: [Key: Result<ScheduleResources.DrillFacts, any Error>] = [:]

    init(project: Project) { self.project = project }

    /// - Throws: `FormProblem` without a place.
    func facts(_ drill: String, _ variables: [String: String]) throws -> ScheduleResources.DrillFacts {
        try lock.withLock {
            let key = Key(path: drill, variables: variables)
            if let found = examined[key] { return try found.get() }
            let found = Result { try examine(key) }
            examined[key] = found
            return try found.get()
        }
    }

    /// Called under the lock.
    private func examine(_ key: Key) throws -> ScheduleResources.DrillFacts {
        let found = try drill(key)
        if let step = try manualStep(key, found) {
            throw FormProblem(
                "\(key.path) would be refused each time: \(step), and a scheduler has nobody to ask", at: nil,
                expected:
                    "a drill whose runbooks need nobody, or the drill run by hand (muster run, muster gameday)"
            )
        }
        // A host has one guard, and that one drill.
        return .init(longest: found.longest, locks: [LockPath("local")])
    }

    /// What a person would have to do in it; nil: nothing.
    private func manualStep(_ key: Key, _ drill: Drill) throws -> String? {
        let path = project.path(ofDrill: key.path)
        return try ScheduleLoader.asProblem { () throws -> String? in
            for step in PreparedDrill.runbooks(drill.steps + drill.after) {
                let file = try project.runbook(step.path, ofDrill: path)
                guard let open = try Runbooks.read(file).steps.first(where: { $0.kind == .manual }) else {
                    continue
                }
                return "the runbook \(step.path) needs a person for '\(open.name)'"
            }
            return nil
        }
    }

    /// - Throws: `FormProblem` without a place.
    func drill(_ drill: String, _ variables: [String: String]) throws -> Drill {
        try lock.withLock { try self.drill(Key(path: drill, variables: variables)) }
    }

    /// Called under the lock.
    private func drill(_ key: Key) throws -> Drill {
        if let found = known[key] { return try found.get() }
        let found = Result { try read(key.path, key.variables) }
        known[key] = found
        return try found.get()
    }

    private func read(_ drill: String, _ variables: [String: String]) throws -> Drill {
        let text = try ScheduleLoader.asProblem { try Files.text(project.path(ofDrill: drill)) }
        let now = SystemTimekeeper().utcNanoseconds()
        let examination = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, datasets: .standard,
            services: try registry(now), now: now
        ).examine(text, setting: variables)
        guard let found = examination.drill else {
            let first = examination.errors.first
            let line = first?.place.map { " in line \($0.line)" } ?? ""
            throw FormProblem(
                "\(drill) cannot be run:\(line) \(first?.message ?? "")", at: nil,
                expected: "a drill without errors; `muster lint \(drill)` shows them all")
        }
        return found
    }

    private func registry(_ now: Int64) throws -> Services? {
        let project = project
        let found =
            services
            ?? Result {
                guard Files.exists(project.services) else { return nil }
                do {
                    return try Services(reading: Files.text(project.services), now: now)
                } catch is FormProblems {
                    throw FormProblem(
                        "drills/services.yaml cannot be read, so no drill can be run", at: nil,
                        expected: "a services file without errors; `muster lint` shows them")
                }
            }
        services = found
        return try found.get()
    }
}
