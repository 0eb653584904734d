import MusterCore

/// Manual steps that wait for a person, in full.
enum QuestionLines {
    static func lines(_ scene: BoardScene, _ now: Instant, _ width: Int) -> [BoardLine] {
        scene.questions.flatMap { question -> [BoardLine] in
            let role = question.role.map { "role \(PlainText.clean($0))" } ?? "anybody"
            let stage =
                question.acknowledged.map {
                    "\(PlainText.clean(question.acknowledgedBy ?? "somebody")) works on it for \((now - $0).whole)"
                } ?? "waits for \((now - question.shown).whole)"
            let expected = question.expected.map { ", expected \($0.forPeople)" } ?? ""
            let head =
                "? \(PlainText.clean(question.step)) · \(role) · \(stage)\(expected) · "
                + "\((question.deadline - now).whole) left"
            let text = question.text.split(separator: "\n", omittingEmptySubsequences: true).prefix(6)
            let asks = question.ask.map { "    asks for: \(PlainText.clean($0))" }
            return [BoardLine(head, .bold)]
                + text.flatMap { line in
                    PlainText.wrapped(PlainText.clean(String(line)), width - 4, most: 3).map {
                        BoardLine("    " + $0)
                    }
                } + (asks.map { [BoardLine($0)] } ?? [])
        }
    }
}

/// Roster, notes and what happened last.
public enum PeopleLines {
    static func roster(day: BoardDay?, _ width: Int) -> [String] { day.map { roster($0, width) } ?? [] }

    static func roster(_ day: BoardDay, _ width: Int) -> [String] {
        let members = day.roster.map { member in
            let roles = member.roles.isEmpty ? "" : " (\(member.roles.joined(separator: ", ")))"
            return PlainText.clean("\(member.name)\(roles) \(member.standing)")
        }
        return PlainText.wrapped(members.joined(separator: " · "), width - 9, most: 3)
    }

    static func notes(_ scene: BoardScene, _ width: Int) -> [String] {
        var entries = (scene.board?.notes ?? []).map {
            (utc: $0.utcNanoseconds, actor: $0.actor, kind: $0.detail.text("entry"), text: $0.text)
        }
        entries += (scene.day?.entries ?? []).map {
            (utc: $0.utc, actor: $0.actor, kind: $0.kind, text: $0.text)
        }
        return entries.sorted { $0.utc < $1.utc }.suffix(20).map { entry in
            let kind = ["", "note"].contains(entry.kind) ? "" : " \(entry.kind.uppercased())"
            return PlainText.clean("\(LongForm.time(entry.utc)) \(entry.actor)\(kind): \(entry.text)")
        }
    }

    /// Kinds that tell responders of a blind game day nothing about what is done to the system. A verdict may name a fault.
    private static let harmless: Set<Event.Kind> = [
        .firstFailure, .firstSuccess, .stable, .steady, .steadyAgain, .abort, .note, .runFinished,
    ]

    /// Whether an event may be shown to them.
    public static func isHarmless(_ event: Event) -> Bool {
        harmless.contains(event.kind) && event.actor != "guard"
    }

    static func events(_ scene: BoardScene, _ board: RunBoard, _ width: Int) -> [String] {
        board.events.suffix(60).filter {
            $0.kind != .runStarted && (!scene.isBlind || isHarmless($0))
        }.map { event in
            let at = (event.bracket?.upper ?? event.at) - board.run.startedAt
            return PlainText.clean("\(PlainText.fit(at.tenths, 9))\(event.text)")
        }
    }
}

/// What would end a game day, and what is left of it.
enum DayCriteriaLines {
    static func lines(_ day: BoardDay?, _ width: Int) -> [BoardLine] {
        let criteria = day?.criteria ?? []
        let near = criteria.filter { $0.share >= 0.6 }
        let far = criteria.filter { $0.share < 0.6 }.map(\.words)
        let rest = PlainText.wrapped(PlainText.clean(far.joined(separator: " · ")), width, most: 2)
        return near.map { BoardLine(PlainText.clean("! \($0.words)"), .alarm) }
            + rest.filter { !$0.isEmpty }.map { BoardLine($0) }
    }
}

/// The last lines of a frame: what can be typed, or what is being typed.
enum Footer {
    static func lines(_ scene: BoardScene, width: Int, most: Int) -> [BoardLine] {
        var lines: [BoardLine] = []
        if let notice = scene.notice {
            lines += PlainText.wrapped(PlainText.clean(notice), width, most: 2).map { BoardLine($0, .bold) }
        }
        if !scene.prompt.isEmpty {
            lines += scene.prompt.dropLast().flatMap {
                PlainText.wrapped(PlainText.clean($0), width, most: 3).map { BoardLine($0, .bold) }
            }
            lines.append(BoardLine(typing(PlainText.clean(scene.prompt.last ?? ""), width), .bold))
            return lines.suffix(max(1, most)) + []
        }
        return lines.suffix(max(0, most - 1)) + [BoardLine(keys(scene, width), .bold)]
    }

    /// The end of what is typed stays in sight.
    private static func typing(_ text: String, _ width: Int) -> String {
        guard PlainText.columns(text) > width else { return text }
        var kept: [Character] = []
        var room = width - 1
        for character in text.reversed() {
            room -= PlainText.columns(String(character))
            if room < 0 { break }
            kept.append(character)
        }
        return "…" + String(kept.reversed())
    }

    static func keys(_ scene: BoardScene, _ width: Int) -> String {
        guard scene.attendee != nil else {
            return width < 40 ? "q quit ? help" : "looking on only (--as NAME to take part)   q quit   ? help"
        }
        let isLive =
            scene.board != nil && scene.board?.closing == nil && scene.life != .gone
            || scene.day?.isLive == true
        let hasQuestion = !scene.questions.isEmpty
        let beats = scene.day?.wantsHeartbeat == true
        if width < 50 {
            return (isLive ? "a ABORT " : "") + (beats ? "h " : "") + (hasQuestion ? "c r " : "")
                + (scene.ownsRun ? "n ?" : "n q ?")
        }
        return (isLive ? "[a] ABORT " : "") + (beats ? "[h]ere " : "")
            + (hasQuestion ? "[b]egin [c]onfirm [r]efuse " : "")
            + "[n]ote [t]odo [d]ecision \(scene.ownsRun ? "" : "[q]uit ")[?]help"
    }
}
