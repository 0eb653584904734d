import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Writes into the timeline of one game day, with the clocks of this host.
struct GameDayDesk {
    let store: OutcomeStore
    let id: String
    private let host: String
    private let bootID: String
    let clock = SystemTimekeeper()

    init(_ store: OutcomeStore, _ id: String) throws {
        self.store = store
        self.id = id
        host = HostNames.read().host
        bootID = try MusterSystem.bootID()
    }

    var now: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }

    /// Who says something, and as what.
    struct Speaker {
        var name: String
        var role: GameDayRole?
        var source = GameDayEntry.Source.human

        static let muster = Speaker(name: "muster", source: .auto)
    }

    func entry(
        _ kind: GameDayEntry.Kind, _ text: String, by speaker: Speaker = .muster, detail: Value = .null,
        state: GameDayState? = nil, run: String? = nil, happened: Int64? = nil, corrects: Int? = nil
    ) -> GameDayEntry {
        GameDayEntry(
            kind, at: clock.monotonic(), host: host, bootID: bootID, utc: clock.utcNanoseconds(),
            happened: happened, source: speaker.source, actor: speaker.name, role: speaker.role,
            text: hidingPasswords(text), detail: detail, state: state, run: run, corrects: corrects)
    }

    /// - Throws: `Refusal`, and `OutcomeStoreError`.
    @discardableResult
    func add(
        _ kind: GameDayEntry.Kind, _ text: String, by speaker: Speaker = .muster, detail: Value = .null,
        run: String? = nil, happened: Int64? = nil, corrects: Int? = nil
    ) throws -> GameDayEntry {
        let entry = entry(
            kind, text, by: speaker, detail: detail, run: run, happened: happened, corrects: corrects)
        return try Self.refusing { try store.append(entry, toGameDay: id) }
    }

    @discardableResult
    func step(
        to state: GameDayState, from expected: GameDayState? = nil, _ reason: String,
        by speaker: Speaker = .muster, detail: Value = .null
    ) throws -> GameDayEntry {
        let entry = entry(.state, reason, by: speaker, detail: detail, state: state)
        return try Self.refusing { try store.step(entry, from: expected, ofGameDay: id) }
    }

    func record() throws -> GameDayRecord {
        guard let record = try store.gameDay(id) else {
            throw Refusal(.usage, GameDayRefusal.unknown(id).description, advice: "muster gameday list")
        }
        return record
    }

    static func refusing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let refusal as GameDayRefusal {
            throw Refusal(.refused, refusal.description, advice: "`muster gameday show` says how it stands")
        }
    }
}

/// Within the header's own initialiser the short name is its property.
private let ownVersion = toolVersion

extension GameDayHeader {
    /// Of a day that begins to be on record now.
    init(_ day: GameDay, _ file: GameDayFile, by actor: String) throws {
        self.init(
            id: ULID.make(), name: day.name, path: file.key, title: day.title, zone: day.zone,
            host: HostNames.read().host, bootID: try MusterSystem.bootID(), actor: actor,
            toolVersion: ownVersion, createdUTC: SystemTimekeeper().utcNanoseconds())
    }
}
