import GRDB
import MusterCore
import MusterDrills
import Synchronization
import Testing

@testable import MusterOutcomes

/// Game days in the store: everything is read as it was written, in order, and an edit shows.
struct GameDayStoreTests {
    private let engine = ProcessIdentity(pid: 9, startTicks: 9, bootID: "b")
    private let other = ProcessIdentity(pid: 10, startTicks: 10, bootID: "b")

    private func header(_ id: String = "d1", name: String = "failover") -> GameDayHeader {
        GameDayHeader(
            id: id, name: name, path: "drills/gamedays/failover.yaml", title: "Failover",
            zone: "Europe/Berlin",
            host: "laptop", bootID: "b", actor: "ada", toolVersion: "0.1.0", createdUTC: 3)
    }

    private func entry(
        _ kind: GameDayEntry.Kind, _ text: String = "", detail: Value = .null, state: GameDayState? = nil
    ) -> GameDayEntry {
        GameDayEntry(
            kind, at: Instant(nanoseconds: 5), host: "laptop", bootID: "b", utc: 7, source: .human,
            actor: "ada",
            role: .owner, text: text, detail: detail, state: state)
    }

    @Test func everythingIsReadAsItWasWritten() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        #expect(try store.begin(header()) == 1)
        var full = entry(.finding, "it\u{2028}was \"x\"", detail: ["critical": true, "n": .double(1.5)])
        full.happenedUTC = 4
        full.source = .imported
        full.run = "R1"
        full.runEvent = 12
        try store.append(entry(.note, "one"), toGameDay: "d1")
        full.corrects = 1
        full = try store.append(full, toGameDay: "d1")
        #expect(full.sequence == 2)
        let record = try #require(try store.gameDay("failover"))
        #expect(record.header == header() && record.entries[1] == full && record.entries[0].role == .owner)
        #expect(try store.gameDay("1")?.header.id == "d1" && store.gameDay("d1")?.number == 1)
        #expect(try store.gameDay("nothing") == nil)
        #expect(try store.entries(ofGameDay: "d1", after: 1) == [full])
        #expect(try store.entries(ofGameDay: "d1", after: 2).isEmpty)
        #expect(try store.firstBrokenEntry(ofGameDay: "d1") == nil)
        #expect(throws: GameDayRefusal.noSuchEntry(9)) {
            var wrong = self.entry(.note)
            wrong.corrects = 9
            try store.append(wrong, toGameDay: "d1")
        }
        #expect(throws: GameDayRefusal.unknown("d2")) { try store.append(self.entry(.note), toGameDay: "d2") }
    }

    @Test(arguments: [
        ("UPDATE game_day_entries SET text = 'three' WHERE sequence = 2", 2),
        ("UPDATE game_day_entries SET recorded_utc_ns = 8 WHERE sequence = 3", 3),
        ("UPDATE game_day_entries SET actor = 'eve' WHERE sequence = 1", 1),
        ("DELETE FROM game_day_entries WHERE sequence = 2", 2),
        ("UPDATE game_days SET title = 'other'", 0),
    ])
    func anEditShows(_ edit: String, _ broken: Int) throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(header())
        for word in ["one", "two", "three"] { try store.append(entry(.note, word), toGameDay: "d1") }
        #expect(try store.firstBrokenEntry(ofGameDay: "d1") == nil)
        try store.write { try $0.execute(sql: edit) }
        #expect(try store.firstBrokenEntry(ofGameDay: "d1") == broken)
    }

    @Test func stepsAreThoseOfTheLifecycle() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(header())
        #expect(throws: GameDayRefusal.noSuchStep(from: .draft, to: .running)) {
            try store.step(self.entry(.state, state: .running), ofGameDay: "d1")
        }
        try store.step(entry(.state, "checked", state: .planned), from: .draft, ofGameDay: "d1")
        // Somebody else was faster.
        #expect(throws: GameDayRefusal.movedOn(expected: .draft, found: .planned)) {
            try store.step(self.entry(.state, state: .aborted), from: .draft, ofGameDay: "d1")
        }
        #expect(try store.gameDay("d1")?.state == .planned)
        #expect(try store.gameDay("d1")?.entries.count == 1)
    }

    @Test func anApprovalKeepsItsTexts() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(header())
        let documents = [
            GameDayDocument(path: "a.yaml", kind: .gameDay, hash: "1", text: "gameday: a\n"),
            GameDayDocument(path: "crash", kind: .expectation, hash: "2", text: "title: t\n"),
        ]
        let approval = GameDayApproval(name: "grace", planHash: "h")
        func approve(_ documents: [GameDayDocument]) throws {
            try store.approve(
                entry(.approval, detail: approval.value), entry(.state, state: .approved), documents,
                gameDay: "d1")
        }
        // Not planned yet: nothing of it is kept.
        #expect(throws: GameDayRefusal.self) { try approve(documents) }
        #expect(try store.gameDay("d1")?.entries.isEmpty == true)
        try store.step(entry(.state, state: .planned), ofGameDay: "d1")
        try approve(documents)
        #expect(try store.gameDay("d1")?.documents == documents)
        #expect(try store.gameDay("d1")?.approval == approval)
        try store.step(entry(.state, state: .planned), ofGameDay: "d1")
        try approve([documents[0]])
        #expect(try store.gameDay("d1")?.documents == [documents[0]])
        #expect(try store.firstBrokenEntry(ofGameDay: "d1") == nil)
    }

    @Test func oneProcessCarriesADayOut() throws {
        let scratch = Scratch()
        let alive = Mutex(true)
        let first = try makeStore(scratch, engine: engine) { _ in alive.withLock { $0 } }
        let second = try makeStore(scratch, engine: other) { _ in alive.withLock { $0 } }
        _ = try first.begin(header())
        try first.hold(gameDay: "d1")
        try first.hold(gameDay: "d1")
        #expect(throws: GameDayRefusal.held(by: engine)) { try second.hold(gameDay: "d1") }
        #expect(try second.holder(ofGameDay: "d1") == engine)
        // Not its own, so it stays.
        try second.release(gameDay: "d1")
        #expect(try second.gameDay("d1")?.holder == engine)
        alive.withLock { $0 = false }
        #expect(try second.holder(ofGameDay: "d1") == nil)
        try second.hold(gameDay: "d1")
        #expect(try second.holder(ofGameDay: "d1") == other)
        try second.release(gameDay: "d1")
        #expect(try second.holder(ofGameDay: "d1") == nil)
        #expect(try first.firstBrokenEntry(ofGameDay: "d1") == nil)
    }

    @Test func daysUnderWayAreThoseThatAreHeld() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        for (id, state) in [("d1", GameDayState.planned), ("d2", .aborted)] {
            _ = try store.begin(header(id, name: id))
            try store.step(entry(.state, state: state), ofGameDay: id)
        }
        #expect(try store.gameDaysUnderWay().map(\.header.id) == ["d2"])
        #expect(try store.gameDays(limit: 1).map(\.header.id) == ["d2"])
        #expect(try store.gameDays(named: "d1").map(\.number) == [1])
    }

    @Test func actionsAndTheirHistory() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(header())
        var action = ActionItem(
            id: "a1", title: "page", kind: .detect, owner: "mika", priority: .p1,
            due: CivilDate(year: 2027, month: 4, day: 1), ticket: "T-1", verifyingDrill: "redis-kill",
            gameDay: "d1",
            entry: 17, openedUTC: 5)
        action.number = try store.open(action, by: "ada")
        #expect(try store.actions() == [action])
        action.status = .done
        action.closedUTC = 9
        action.closedBy = "ivan"
        action.evidenceOutcome = 42
        action.evidenceNote = "seen"
        let change = ActionChange(utc: 9, actor: "ivan", status: .done, text: "outcome #42 passed")
        try store.change(action, change)
        #expect(try store.actions() == [action])
        #expect(try store.changes(ofAction: "a1").map(\.actor) == ["ada", "ivan"])
        #expect(try store.changes(ofAction: "a1").last == change)
        #expect(try store.firstBrokenChange(ofAction: "a1") == nil)
    }

    /// Who did it, what was said, how the item stands, and that anything was done at all.
    @Test(arguments: [
        ("UPDATE action_changes SET actor = 'eve' WHERE position = 0", 1),
        ("UPDATE action_changes SET text = 'x' WHERE position = 1", 2),
        ("DELETE FROM action_changes WHERE position = 0", 1),
        ("UPDATE action_changes SET hash = '' WHERE position = 1", 2),
        ("UPDATE actions SET owner = 'eve'", 2),
        ("UPDATE actions SET evidence_note = 'seen'", 2),
    ])
    func anActionThatWasEdited(_ sql: String, _ position: Int) throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        var action = ActionItem(id: "a1", title: "page", kind: .detect, owner: "mika", openedUTC: 5)
        action.number = try store.open(action, by: "ada")
        action.status = .doing
        try store.change(action, ActionChange(utc: 9, actor: "ivan", status: .doing, text: "doing"))
        #expect(try store.firstBrokenChange(ofAction: "a1") == nil)
        try store.write { try $0.execute(sql: sql) }
        #expect(try store.firstBrokenChange(ofAction: "a1") == position)
    }

    /// A store that is only looked at is not migrated: its changes are shown, and nothing is claimed of them. From the
    /// first change on they are chained.
    @Test func actionsOfAnEarlierVersion() throws {
        let scratch = Scratch()
        let old = try DatabaseQueue(path: scratch.store)
        let chained = try #require(Schema.migrations.firstIndex { $0 == Schema.actionChain })
        try old.writeWithoutTransaction { database in
            for migration in Schema.migrations[..<chained] { try database.execute(sql: migration) }
            try database.execute(
                sql: """
                    PRAGMA application_id = \(Schema.applicationID);
                    PRAGMA user_version = \(chained);
                    INSERT INTO actions (id, title, kind, owner, priority, status, opened_utc_ns)
                      VALUES ('a1', 'page', 'detect', 'mika', 'p1', 'open', 5);
                    INSERT INTO action_changes VALUES ('a1', 0, 5, 'ada', 'open', 'page');
                    """)
        }
        try old.close()
        let reader = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        var action = try #require(try reader.actions().first)
        #expect(try reader.changes(ofAction: "a1").map(\.actor) == ["ada"])
        #expect(try reader.firstBrokenChange(ofAction: "a1") == nil)
        try reader.close()
        let store = try makeStore(scratch)
        action.status = .doing
        try store.change(action, ActionChange(utc: 9, actor: "ivan", status: .doing, text: "doing"))
        #expect(try store.changes(ofAction: "a1").map(\.actor) == ["ada", "ivan"])
        #expect(try store.firstBrokenChange(ofAction: "a1") == nil)
        try store.write { try $0.execute(sql: "UPDATE actions SET owner = 'eve'") }
        #expect(try store.firstBrokenChange(ofAction: "a1") == 2)
    }
}
