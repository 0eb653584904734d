import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Which game day, by its file.
struct GameDayPlace: ParsableArguments {
    @Argument(
        help: "The game day's file, or its name in drills/gamedays/.",
        completion: .file(extensions: ["yaml"]))
    var file: String
    @OptionGroup var store: StoreOptions

    /// A file that can be used, with the record that is open for it.
    struct Opened {
        var file: GameDayFile
        var day: GameDay
        var longest: Duration
        var desk: GameDayDesk
        var record: GameDayRecord
    }

    /// - Parameter makesRecord: whether one is begun where none is open.
    /// - Throws: `Refusal`.
    func open(makesRecord: Bool = false, by actor: String = RunHeaders.actor) throws -> Opened {
        let file = try GameDayFile(file)
        let (day, longest) = try file.load(now: Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds()))
        let store = try self.store.open(file.project, access: .readWrite)
        var open = try store.gameDays(named: day.name, limit: 1).first
        if open?.state == .closed { open = nil }
        if open == nil {
            guard makesRecord else {
                throw Refusal(
                    .refused, "'\(day.name)' is not planned", advice: "muster gameday check \(file.path)")
            }
            _ = try store.begin(GameDayHeader(day, file, by: actor))
            open = try store.gameDays(named: day.name, limit: 1).first
        }
        guard let record = open else { throw Refusal(.internalError, "the record is gone", advice: "") }
        return Opened(
            file: file, day: day, longest: longest, desk: try GameDayDesk(store, record.header.id),
            record: record)
    }
}

extension GameDayPlace.Opened {
    /// Voids the approval when anything that it is about was edited since.
    /// - Throws: `Refusal` with exit code 7 when it was, or when there is no approval.
    func requireApproval() throws {
        guard let approval = record.approval else {
            throw Refusal(
                .refused, "'\(day.name)' is \(record.state.rawValue), and not approved",
                advice: "muster gameday approve \(file.path) --as NAME")
        }
        let documents = try file.documents(day)
        guard GameDayFile.planHash(documents) != approval.planHash else { return }
        let edits = GameDayFile.edits(record.documents, documents).joined(separator: "; ")
        // Once it runs, there is no way back to a plan.
        if record.state.next.contains(.planned) {
            try desk.step(
                to: .planned, from: record.state, "the approval of \(approval.name) is void: \(edits)")
        }
        throw Refusal(
            .refused, "what \(approval.name) approved is no longer what is there: \(edits)",
            advice: "put it back, or have it approved again: muster gameday approve \(file.path) --as NAME")
    }

    /// - Throws: `Refusal` with exit code 7 for somebody who is absent or does not hold what is wanted.
    func speaker(_ name: String, _ action: String, allowed: (GameDayRole) -> Bool) throws
        -> GameDayDesk.Speaker
    {
        if day.roster.absent.contains(name) {
            throw Refusal(
                .refused, "'\(name)' is absent from this game day, on purpose, and cannot \(action)",
                advice: "somebody else must")
        }
        guard let role = day.roster.roles(of: name).first(where: allowed) else {
            let who = GameDayRole.allCases.filter(allowed).flatMap { day.roster[$0] }
            throw Refusal(
                .refused, "'\(name)' may not \(action)",
                advice: who.isEmpty
                    ? "name somebody under roles" : "--as one of " + Set(who).sorted().joined(separator: ", ")
            )
        }
        return GameDayDesk.Speaker(name: name, role: role)
    }
}
