import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes

/// Which game day on record: by number, name or file; without any, the one that is under way.
struct GameDayChoice: ParsableArguments {
    @Argument(help: "The game day's number, name or file (default: the one that is under way).") var gameDay:
        String?
    @OptionGroup var store: StoreOptions

    /// - Parameter isAfterwards: see `find(_:_:access:in:isAfterwards:)`.
    func find(access: OutcomeStore.Access = .readWrite, isAfterwards: Bool = false) throws -> Chosen {
        try Self.find(gameDay, store, access: access, isAfterwards: isAfterwards)
    }

    /// Without a name: the one under way, else the newest.
    static func findOrNewest(_ named: String?, _ options: StoreOptions) throws -> Chosen {
        guard named == nil else { return try find(named, options, access: .readOnly) }
        let store = try options.open()
        if try underWay(store) == nil, let newest = try store.gameDays(limit: 1).first {
            return try find(newest.header.id, options, access: .readOnly)
        }
        return try find(nil, options, access: .readOnly)
    }

    struct Chosen {
        var store: OutcomeStore
        var project: Project
        var record: GameDayRecord
        var desk: GameDayDesk
        /// Who held which role in the file as it was approved, else as it is now.
        var roster: GameDayRoster
        /// Of the file as it was approved.
        var criteria: GameDay.AbortCriteria
    }

    /// - Parameters:
    ///   - opened: the store, where it is open already.
    ///   - isAfterwards: whether without a name a day is meant as well whose hot wash is over and which only waits to be
    ///     closed, where no other is under way.
    static func find(
        _ named: String?, _ options: StoreOptions, access: OutcomeStore.Access,
        in opened: OutcomeStore? = nil, isAfterwards: Bool = false
    ) throws -> Chosen {
        var project = Project.current
        var name = named
        if let named, named.hasSuffix(".yaml"), Files.exists(named) {
            let file = try GameDayFile(named)
            project = file.project
            name = try? YamlName.gameDay(file.text)
        }
        let store = try opened ?? options.open(project, access: access)
        let record =
            try name.map { try store.gameDay($0) } ?? underWay(store)
            ?? (isAfterwards ? reported(store) : nil)
        guard let record else {
            throw Refusal(
                .usage, named.map { "there is no game day '\($0)' on record" } ?? "no game day is under way",
                advice: "muster gameday list")
        }
        return Chosen(
            store: store, project: project, record: record, desk: try GameDayDesk(store, record.header.id),
            roster: roster(record, project),
            criteria: GameDay.AbortCriteria(readingGameDay: text(record, project) ?? ""))
    }

    /// The one day that is being held; nil when there is none.
    /// - Throws: `Refusal` when there are several.
    static func underWay(_ store: OutcomeStore) throws -> GameDayRecord? {
        let held = try store.gameDaysUnderWay()
        guard held.count <= 1 else {
            throw Refusal(
                .usage, "several game days are under way: " + held.map(\.header.name).joined(separator: ", "),
                advice: "name one of them")
        }
        return held.first
    }

    /// The newest day that waits to be closed.
    static func reported(_ store: OutcomeStore) throws -> GameDayRecord? {
        try store.gameDays().first { $0.state == .reported }
    }

    private static func text(_ record: GameDayRecord, _ project: Project) -> String? {
        record.documents.first { $0.kind == .gameDay }?.text
            ?? (try? Files.text(project.root + "/" + record.header.path))
    }

    static func roster(_ record: GameDayRecord, _ project: Project) -> GameDayRoster {
        text(record, project).flatMap { GameDayRoster(readingGameDay: $0) } ?? GameDayRoster()
    }
}

/// A person who speaks, and in which role.
struct SpeakerOptions: ParsableArguments {
    @Option(name: .customLong("as"), help: "Who says so (default: this user).") var person: String?
    @Option(help: "In which role, of those that they hold.") var role: String?

    func speaker(_ roster: GameDayRoster) throws -> GameDayDesk.Speaker {
        let name = person ?? RunHeaders.actor
        let held = roster.roles(of: name)
        guard let role else { return .init(name: name, role: held.first) }
        guard let found = held.first(where: { $0.rawValue == role }) else {
            throw Refusal(
                .usage, "'\(name)' is not \(role) of this game day",
                advice: held.isEmpty
                    ? "leave --role out" : "one of " + held.map(\.rawValue).joined(separator: ", "))
        }
        return .init(name: name, role: found)
    }
}
