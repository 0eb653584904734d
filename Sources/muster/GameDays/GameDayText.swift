import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes

/// Game days for people and programs.
enum GameDayText {
    /// Whether this viewer must not be told which drills there are: while a blind day is held, whoever only responds,
    /// and whoever holds no role.
    static func isBlind(_ record: GameDayRecord, _ roster: GameDayRoster, to viewer: String) -> Bool {
        guard ![.hotwash, .reported, .closed].contains(record.state) else { return false }
        // `run` decides it; until then the plan does.
        let isDecided = record.entries.contains { $0.state == .running }
        let plan = isDecided ? nil : record.documents.first { $0.kind == .gameDay }?.text
        guard record.isBlind || plan.map({ YamlName.isBlind(gameDay: $0) }) == true else { return false }
        let knowing: Set<GameDayRole> = [.owner, .ic, .safety, .deputy, .operator, .approver]
        let held = roster.roles(of: viewer)
        return held.contains(.responder) || knowing.isDisjoint(with: held)
    }

    static func value(_ record: GameDayRecord) -> Value {
        [
            "number": .int(Int64(record.number)), "id": .text(record.header.id),
            "name": .text(record.header.name), "path": .text(record.header.path),
            "title": .text(record.title), "zone": .text(record.zone),
            "state": .text(record.state.rawValue), "blind": .bool(record.isBlind),
            "prefix": .text(record.prefix),
            "holder": record.holder.map { .int(Int64($0.pid)) } ?? .null,
            "approval": record.approval?.value ?? .null,
            "preflight": .list(record.preflight.map(\.value)),
            "drills": .list(drills(record)),
            "attendance": .list(
                record.attendance.map {
                    [
                        "name": .text($0.name), "role": $0.role.map { .text($0.rawValue) } ?? .null,
                        "from": .text(utcText(nanoseconds: $0.fromUTC)),
                        "to": $0.toUTC.map { .text(utcText(nanoseconds: $0)) } ?? .null,
                    ]
                }),
            "documents": .list(
                record.documents.map {
                    ["path": .text($0.path), "kind": .text($0.kind.rawValue), "hash": .text($0.hash)]
                }),
            "entries": .list(
                record.entries.map { entry in
                    var map = entry.value.asMap ?? [:]
                    map["utc"] = .text(utcText(nanoseconds: entry.utc))
                    return .map(map)
                }),
        ]
    }

    private static func drills(_ record: GameDayRecord) -> [Value] {
        let positions = Set(record.drillEvents.map(\.event.position)).sorted()
        return positions.map { position in
            let events = record.drillEvents.filter { $0.event.position == position }
            let last = events.last { [.started, .finished, .skipped, .notBegun].contains($0.event.phase) }
            var map = last?.event.value.asMap ?? [:]
            map["run"] = events.compactMap(\.entry.run).first.map { .text($0) } ?? .null
            return .map(map)
        }
    }

    static func show(_ record: GameDayRecord) {
        let zone = (try? ZoneDirectory.rules(record.zone)) ?? .utc
        Terminal.line(
            Terminal.styled("#\(record.number) \(record.title)", .bold) + "  (\(record.header.name))  "
                + Terminal.styled(record.state.rawValue, .cyan) + (record.isBlind ? "  blind" : ""))
        Terminal.labelled("file", record.header.path)
        if let approval = record.approval {
            Terminal.labelled(
                "approved",
                "by \(approval.name)" + (approval.ticket.map { ", ticket \($0)" } ?? "")
                    + ", plan \(approval.planHash.prefix(12))", indent: 10)
        }
        if let holder = record.holder { Terminal.labelled("held", "by process \(holder.pid)") }
        for stay in record.attendance {
            let role = stay.role.map { " (\($0.rawValue))" } ?? ""
            let to = stay.toUTC.map { "to \(clock($0, zone))" } ?? "on"
            Terminal.labelled("here", "\(stay.name)\(role) from \(clock(stay.fromUTC, zone)) \(to)")
        }
        for drill in drills(record) {
            let verdict = drill["verdict"]?.asText ?? drill["phase"]?.asText ?? ""
            Terminal.labelled(
                "drill",
                "\(drill["name"]?.asText ?? ""): \(verdict)"
                    + (drill["outcome"]?.asInt.map { ", outcome #\($0)" } ?? ""))
        }
        Terminal.line("\ntimes of \(record.zone); * back-dated, by when it happened")
        for entry in record.timeline where entry.kind != .heartbeat { Terminal.line(line(entry, zone)) }
        let beats = record.entries.count { $0.kind == .heartbeat }
        if beats > 0 { Terminal.line("and \(Observing.count(beats, "heartbeat")), with --json") }
    }

    private static func clock(_ utc: Int64, _ zone: ZoneRules) -> String {
        let moment = Moment(utcNanoseconds: utc)
        let local = civilText(nanoseconds: utc + zone.offset(at: moment) * 1_000_000_000)
        return String(local.dropFirst(5).dropLast(4).map { $0 == "T" ? " " : $0 })
    }

    static func line(_ entry: GameDayEntry, _ zone: ZoneRules) -> String {
        let mark = entry.happenedUTC == nil ? " " : "*"
        let who = entry.actor + (entry.role.map { " (\($0.rawValue))" } ?? "")
        let state = entry.state.map { "→ \($0.rawValue): " } ?? ""
        let correction = entry.corrects.map { " [corrects \($0)]" } ?? ""
        return "\(padded(entry.sequence)) \(clock(entry.utc, zone))\(mark) \(entry.kind.rawValue)  \(who): "
            + "\(state)\(RunbookText.visible(entry.text))\(correction)"
    }

    private static func padded(_ number: Int) -> String {
        String(repeating: " ", count: max(0, 4 - String(number).count)) + "\(number)"
    }

    /// How the day ended, in a sentence or two; what is still broken comes first.
    private static func ending(_ record: GameDayRecord, _ status: Status) -> String {
        let name = record.header.name
        let isBroken = status == .residue
        let restored = isBroken ? "SOMETHING IS STILL BROKEN: run `muster undo`." : "Everything is put back."
        if record.isConverted {
            let why = record.entries.last { $0.kind == .convert }.map { ": \($0.actor): \($0.text)" } ?? ""
            return "'\(name)' became a real incident\(why). \(restored)"
        }
        if let wish = record.abortWish {
            let who = wish.source == .human ? "\(wish.actor): " : ""
            return "'\(name)' ended early: \(who)\(wish.text). \(restored)"
        }
        if record.state == .aborted { return "'\(name)' ended early. \(restored)" }
        return
            "'\(name)' is over, and the hot wash begins. \(status == .pass ? "Every drill passed." : status.sentence)"
    }

    static func result(_ record: GameDayRecord, _ status: Status) {
        Terminal.line()
        for drill in drills(record) {
            let verdict = drill["verdict"]?.asText ?? drill["phase"]?.asText ?? ""
            Terminal.labelled(
                verdict.uppercased(),
                (drill["name"]?.asText ?? "") + (drill["outcome"]?.asInt.map { "  outcome #\($0)" } ?? ""),
                indent: 14, verdict == "pass" ? .green : .yellow)
        }
        Terminal.line(ending(record, status))
        Terminal.line("Now, while everybody remembers: muster gameday hotwash \(record.header.name)")
    }
}
