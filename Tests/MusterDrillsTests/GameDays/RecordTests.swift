import MusterCore
import MusterDrills
import Testing

/// What is read out of a timeline.
@Suite struct GameDayRecordTests {
    private func entry(
        _ kind: GameDayEntry.Kind, _ text: String = "", at utc: Int64 = 0, happened: Int64? = nil,
        by actor: String = "muster", detail: Value = .null, state: GameDayState? = nil, run: String? = nil,
        corrects: Int? = nil
    ) -> GameDayEntry {
        GameDayEntry(
            kind, at: Instant(nanoseconds: utc), host: "h", bootID: "b", utc: utc, happened: happened,
            source: actor == "muster" ? .auto : .human, actor: actor, text: text, detail: detail,
            state: state,
            run: run, corrects: corrects)
    }

    private func record(_ entries: [GameDayEntry], _ documents: [GameDayDocument] = []) -> GameDayRecord {
        GameDayRecord(
            number: 1,
            header: GameDayHeader(
                id: "d", name: "n", path: "p", title: "t", zone: "UTC", host: "h", bootID: "b", actor: "a",
                toolVersion: "1", createdUTC: 0),
            entries: entries.enumerated().map { index, entry in
                var entry = entry
                entry.sequence = index + 1
                return entry
            }, documents: documents)
    }

    @Test func anEditVoidsTheApproval() {
        let approval = GameDayApproval(name: "grace", ticket: "CHG-1", planHash: "x")
        let approved = [
            entry(.state, state: .planned), entry(.approval, detail: approval.value),
            entry(.state, state: .approved),
        ]
        #expect(record(approved).approval == approval)
        #expect(record(approved + [entry(.state, state: .preflight)]).approval == approval)
        #expect(record(approved + [entry(.state, state: .planned)]).approval == nil)
        #expect(record([]).state == .draft && record([]).approval == nil)
    }

    /// The record began with the first version of the plan; what counts is the one that was approved, and stays so
    /// while another approval is waited for.
    @Test func titleAndZoneAreThoseThatWereApproved() {
        func approved(_ title: String?, _ zone: String?) -> GameDayEntry {
            entry(
                .approval,
                detail: GameDayApproval(name: "grace", planHash: "x", title: title, zone: zone).value)
        }
        let planned = record([entry(.state, state: .planned)])
        #expect(planned.title == "t" && planned.zone == "UTC")
        let day = record([approved("one", "Asia/Tokyo"), approved("two", "Europe/Berlin")])
        #expect(day.title == "two" && day.zone == "Europe/Berlin")
        let edited = record([approved("two", "Europe/Berlin"), entry(.state, state: .planned)])
        #expect(edited.title == "two" && edited.zone == "Europe/Berlin")
        #expect(record([approved(nil, nil)]).title == "t" && record([approved(nil, nil)]).zone == "UTC")
    }

    @Test func aNewPreflightForgetsTheOldOne() {
        func item(_ name: String, _ status: PreflightItem.Status) -> GameDayEntry {
            entry(.preflight, detail: PreflightItem(name, status, "").value)
        }
        let first = [entry(.state, state: .preflight), item("a", .block), item("b", .ok), item("a", .ok)]
        #expect(record(first).preflight.map(\.name) == ["a", "b"])
        #expect(record(first).preflight.map(\.status) == [.ok, .ok])
        #expect(record(first + [entry(.state, state: .preflight)]).preflight.isEmpty)
        var over = PreflightItem("a", .block, "x")
        #expect(over.blocks)
        over.override = .init(name: "grace", reason: "moved")
        #expect(!over.blocks && PreflightItem(over.value) == over)
    }

    @Test func peopleComeAndGo() {
        func move(_ name: String, _ isHere: Bool, _ utc: Int64) -> GameDayEntry {
            entry(.attendance, at: utc, detail: GameDayAttendance(name: name, isHere: isHere).value)
        }
        let stays = record([
            move("mika", true, 1), move("ivan", true, 2), move("mika", true, 3), move("mika", false, 4),
            move("zoe", false, 5), move("mika", true, 6),
        ]).attendance
        #expect(stays.map(\.name) == ["mika", "ivan", "mika"])
        #expect(stays.map(\.fromUTC) == [1, 2, 6] && stays.map(\.toUTC) == [4, nil, nil])
    }

    @Test func theTimelineIsInTheOrderOfWhatHappened() {
        let day = record([
            entry(.note, "one", at: 10), entry(.note, "wrong", at: 20),
            entry(.note, "earlier", at: 30, happened: 5, by: "mika"),
            entry(.note, "right", at: 40, happened: 20, corrects: 2),
        ])
        #expect(day.timeline.map(\.text) == ["earlier", "one", "right"])
        #expect(day.entries.map(\.text) == ["one", "wrong", "earlier", "right"])
    }

    @Test func responsesOfABlindDayTellNoDrill() {
        let documents = [
            GameDayDocument(path: "drills/kill.yaml", kind: .drill, hash: "", text: "drill: kill"),
            GameDayDocument(
                path: "crash", kind: .expectation, hash: "", text: "title: Redis dies\nfailure: x\n"),
            GameDayDocument(
                path: "crash-again", kind: .expectation, hash: "", text: "title: It dies again\n"),
        ]
        let event = GameDayDrillEvent(
            position: 1, name: "crash-again", phase: .finished, outcome: 7, verdict: .pass)
        let day = record(
            [
                entry(.state, "go; responders are blind", detail: ["blind": true], state: .running),
                entry(.drill, "drill 1 of 2, 'crash', begins: Redis dies", run: "R"),
                entry(.drill, "'crash-again' ended", detail: event.value, run: "R2"),
                entry(.preflight, "target-crash: drills/kill.yaml is found; crashes are new"),
                entry(.note, "I think it is a crash", by: "mika"),
            ], documents)
        #expect(day.isBlind)
        let seen = day.seenBlindly
        let text = seen.entries.map { $0.value.canonicalJSON }.joined() + seen.documents.map(\.text).joined()
        for secret in ["Redis dies", "'crash", "crash-again", "kill", "\"R\"", "R2", "\"outcome\":7"] {
            #expect(!text.contains(secret), "\(secret): \(text)")
        }
        #expect(seen.entries[1].text == "drill 1 of 2, 'drill 1', begins: drill 1")
        #expect(seen.entries[3].text == "target-drill 1: a drill is found; crashes are new")
        #expect(seen.entries[4].text == "I think it is a crash")
    }

    @Test func aRosterKnowsWhoMaySayGo() {
        let roster = GameDayRoster(
            [.owner: ["ada"], .ic: ["ivan"], .deputy: ["ivan", "dora"], .safety: ["sam"], .scribe: ["zoe"]],
            absent: ["dora"])
        #expect(roster.mayGo == ["ivan", "sam"])
        #expect(roster.people == ["ada", "ivan", "sam", "dora", "zoe"])
        #expect(roster.roles(of: "ivan") == [.ic, .deputy] && roster.roles(of: "nobody").isEmpty)
    }

    @Test func actionsAreOverdueTheDayAfter() {
        var action = ActionItem(
            id: "a", title: "t", kind: .detect, owner: "o", due: CivilDate(year: 2027, month: 4, day: 1),
            openedUTC: 0)
        let due = CivilDate(year: 2027, month: 4, day: 1).daysSinceEpoch
        #expect(!action.isOverdue(today: due) && action.isOverdue(today: due + 1))
        action.status = .done
        #expect(!action.isOverdue(today: due + 1))
    }
}
