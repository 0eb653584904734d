import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterProbes
import MusterSystem

/// A game day's file with the zones and drills of this machine.
struct GameDayFile {
    let path: String
    let text: String
    let project: Project
    private let drills: KnownDrills

    /// Whether a file is a game day's, by the folder that it lies in.
    static func isOne(_ path: String) -> Bool {
        let full = URL(fileURLWithPath: path)
        return full.pathExtension == "yaml"
            && full.deletingLastPathComponent().lastPathComponent == "gamedays"
    }

    init(path: String, text: String) {
        self.path = path
        self.text = text
        project = Project(containing: path)
        drills = KnownDrills(project: project)
    }

    /// - Parameter named: a path, or the name of a file in `drills/gamedays/`.
    /// - Throws: `Refusal` with exit code 2.
    init(_ named: String) throws {
        let inFolder =
            Project.current.root + "/drills/gamedays/\(named)" + (named.hasSuffix(".yaml") ? "" : ".yaml")
        let path = !Files.exists(named) && Files.exists(inFolder) ? inFolder : named
        guard Files.exists(path) else {
            throw Refusal(
                .usage, "there is no game day \(named)",
                advice: "name a file; `muster gameday new \(named)` makes one")
        }
        self.init(path: path, text: try Files.text(path))
    }

    /// From the top of the project, as it is on record.
    var key: String { ProjectRunbook.key(path, project) }

    func examine(now: Moment) -> GameDay.Examination {
        let names = ZoneDirectory.names()
        return GameDay.examine(
            text, now: now,
            resources: GameDayResources(
                zone: { try ZoneDirectory.rules($0) }, zoneNames: { names },
                drill: { [drills] path, variables in
                    let drill = try drills.drill(path, variables)
                    return .init(
                        longest: drill.longest, environment: drill.environment, service: drill.service,
                        limits: DrillLimits(drill))
                }))
    }

    /// - Throws: `Refusal` with exit code 2 and every problem.
    func load(now: Moment) throws -> (day: GameDay, longest: Duration) {
        let examination = examine(now: now)
        guard let day = examination.gameDay else {
            throw Refusal(
                .usage,
                "\(path) cannot be used\n" + ProblemText.render(examination.errors, path: path, source: text),
                advice: "mend the lines above; `muster gameday check \(path)` checks again")
        }
        return (day, examination.longest)
    }

    func drillPath(_ card: GameDay.Card) -> String { project.path(ofDrill: card.drill) }

    /// Everything that decides what the day does: what an approval is about.
    func documents(_ day: GameDay) throws -> [GameDayDocument] {
        var documents = [document(key, .gameDay, text)]
        func add(_ path: String, _ kind: GameDayDocument.Kind) throws {
            let key = ProjectRunbook.key(path, project)
            guard !documents.contains(where: { $0.path == key && $0.kind == kind }) else { return }
            documents.append(document(key, kind, try Files.text(path)))
        }
        for card in day.drills {
            let prepared = try DrillLoader(
                path: drillPath(card), variables: card.variables, tellsWarnings: false
            ).load(.plan)
            try add(drillPath(card), .drill)
            for step in prepared.runbookSteps {
                try add(prepared.runbookPath(step.path), .runbook)
            }
            documents.append(document(card.name, .expectation, card.expectation(prepared.drill.expect)))
        }
        if Files.exists(project.services) { try add(project.services, .services) }
        return documents
    }

    private func document(_ path: String, _ kind: GameDayDocument.Kind, _ text: String) -> GameDayDocument {
        GameDayDocument(path: path, kind: kind, hash: SHA256.hex(of: text.utf8), text: text)
    }

    /// SHA-256 over what each document is and its hash.
    static func planHash(_ documents: [GameDayDocument]) -> String {
        let list = Value.list(
            documents.map { .list([.text($0.kind.rawValue), .text($0.path), .text($0.hash)]) })
        return SHA256.hex(of: list.canonicalJSON.utf8)
    }

    /// What is not as it was approved, in words; empty when everything is.
    static func edits(_ approved: [GameDayDocument], _ now: [GameDayDocument]) -> [String] {
        func key(_ document: GameDayDocument) -> String { document.kind.rawValue + " " + document.path }
        let before = Dictionary(approved.map { (key($0), $0.hash) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(now.map { (key($0), $0.hash) }, uniquingKeysWith: { first, _ in first })
        return Set(before.keys).union(after.keys).sorted().compactMap { name in
            switch (before[name], after[name]) {
            case (nil, _): "\(name) is new"
            case (_, nil): "\(name) is gone"
            case (let old, let new): old == new ? nil : "\(name) was edited"
            }
        }
    }
}
