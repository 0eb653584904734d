import Glibc
import MusterCore
import MusterJournal
import Testing

@Suite struct SQLiteJournalTests {
    let scratch = Scratch()

    @Test func rowsSurviveTheProcessThatWroteThem() throws {
        let first = injection("a", id: "t-1", disposals: ["/tmp/backup"])
        do {
            let journal = try SQLiteJournal(in: scratch.path)
            try journal.open(first)
            try journal.open(injection("b", id: "t-2"))
            try journal.record(
                helper: ProcessIdentity(pid: 7, startTicks: .max, bootID: "boot-1"), session: 7, of: first.id)
            try journal.close(InjectionID("t-2")!, .verified)
        }
        let journal = try SQLiteJournal(in: scratch.path)
        #expect(try journal.openInjections() == [first])
        #expect(try journal.helpers(of: first.id).map(\.process.startTicks) == [.max])
        #expect(try journal.pendingDisposals().isEmpty, "an open row still needs its backup")
        try journal.close(first.id, .verified)
        try journal.close(first.id, .verified)
        #expect(try journal.pendingDisposals().map(\.1.path) == ["/tmp/backup"])
        try journal.disposed(Disposal(path: "/tmp/backup"), of: first.id)
        #expect(try journal.pendingDisposals().isEmpty)
        #expect(try journal.openInjections().isEmpty)
    }

    @Test func aSupersededRowKeepsItsOriginalInQuarantine() throws {
        let journal = try SQLiteJournal(in: scratch.path)
        let one = injection("a", id: "t-1", disposals: ["/tmp/original"])
        try journal.open(one)
        try journal.close(one.id, .superseded)
        #expect(try journal.pendingDisposals().isEmpty)
        #expect(try journal.quarantined().map(\.1.path) == ["/tmp/original"])
    }

    @Test func rowsCannotBeChangedOrRemoved() throws {
        let journal = try SQLiteJournal(in: scratch.path)
        try journal.open(injection("a", id: "t-1"))
        let file = scratch.path + "/journal.sqlite"
        #expect(shell("sqlite3 \(file) \"DELETE FROM opened\" 2>/dev/null") != 0)
        #expect(shell("sqlite3 \(file) \"UPDATE opened SET run = 'x'\" 2>/dev/null") != 0)
        #expect(try journal.openInjections().count == 1)
    }

    @Test func anUnreadableJournalIsSetAsideAndNothingIsInjectedUntilItWasScanned() throws {
        do {
            let journal = try SQLiteJournal(in: scratch.path)
            try journal.open(injection("a", id: "t-1"))
        }
        shell(
            "printf 'this is not a database, this is noise, this is noise' > \(scratch.path)/journal.sqlite")
        let journal = try SQLiteJournal(in: scratch.path)
        guard case .setAside(let paths) = journal.standing else {
            Issue.record("the corruption was not noticed: \(journal.standing)")
            return
        }
        #expect(paths.count == 1)
        #expect(throws: JournalError.self) { try journal.open(injection("b", id: "t-2")) }
        #expect(journal.salvage().isEmpty)
        try journal.acknowledgeCorruption()
        #expect(journal.standing == .sound)
        try journal.open(injection("b", id: "t-2"))
    }

    @Test(arguments: ["truncate -s 0", "rm"])
    func anEmptiedOrRemovedJournalIsNotANewOne(loss: String) throws {
        let path = scratch.path
        do {
            let journal = try SQLiteJournal(in: path)
            try journal.open(injection("a", id: "t-1"))
        }
        #expect(shell("\(loss) \(path)/journal.sqlite") == 0)
        do {
            let journal = try SQLiteJournal(in: path)
            guard case .setAside(let paths) = journal.standing else {
                Issue.record("the loss was not noticed: \(journal.standing)")
                return
            }
            #expect(paths.count == 1 && paths.allSatisfy { access($0, F_OK) == 0 })
            #expect(throws: JournalError.self) { try journal.open(injection("b", id: "t-2")) }
            #expect(journal.salvage().isEmpty)
        }
        // It stays so until somebody has looked, whoever opens it.
        let journal = try SQLiteJournal(in: path)
        #expect(journal.standing != .sound)
        try journal.acknowledgeCorruption()
        #expect(try SQLiteJournal(in: path).standing == .sound)
    }

    @Test(arguments: ["truncate -s 0", "rm"])
    func whoeverWroteAJournalThatIsLostStillKnowsWhatIsOpen(loss: String) throws {
        let journal = try SQLiteJournal(in: scratch.path)
        let (first, second) = (injection("a", id: "t-1"), injection("b", id: "t-2"))
        try journal.open(first)
        try journal.open(second)
        let helper = ProcessIdentity(pid: 7, startTicks: 1, bootID: "boot-1")
        try journal.record(helper: helper, session: 7, of: second.id)
        try journal.close(first.id, .verified)
        #expect(shell("\(loss) \(scratch.path)/journal.sqlite") == 0)
        for _ in 0..<2 {
            #expect(journal.standing != .sound)
            #expect(throws: JournalError.self) { try journal.open(injection("c", id: "t-3")) }
            #expect(try journal.openInjections() == [second])
            #expect(try journal.helpers(of: second.id).map(\.process) == [helper])
            // Somebody looks meanwhile, and a new journal takes its place.
            _ = try SQLiteJournal(in: scratch.path)
        }
    }

    @Test(arguments: ["t-1.sock", "quarantine/t-1"])
    func whatStandsBesideNoJournalTellsThatThereWasOne(name: String) throws {
        mkdir(scratch.path + "/quarantine", 0o700)
        shell("touch \(scratch.path)/hands.lock \(scratch.path)/warden.log")
        #expect(try SQLiteJournal(in: scratch.path).standing == .sound, "an empty directory is a new one")
        shell("rm \(scratch.path)/journal.sqlite* \(scratch.path)/ballast; touch \(scratch.path)/\(name)")
        #expect(try SQLiteJournal(in: scratch.path).standing != .sound)
    }

    @Test func aDamagedPageLeavesWhatCanStillBeRead() throws {
        do {
            let journal = try SQLiteJournal(in: scratch.path)
            for number in 1...20 { try journal.open(injection("a", id: "t-\(number)")) }
        }
        // The root page of an index far behind the table's own pages.
        let file = scratch.path + "/journal.sqlite"
        let command = """
            page=$(sqlite3 \(file) "SELECT rootpage FROM sqlite_schema WHERE name='helpers_by_id'"); \
            dd if=/dev/zero of=\(file) bs=4096 seek=$((page-1)) count=1 conv=notrunc 2>/dev/null
            """
        #expect(shell(command) == 0)
        let journal = try SQLiteJournal(in: scratch.path)
        #expect(journal.standing != .sound)
        #expect(journal.salvage().count == 20)
    }

    @Test func aNewerJournalAndUnknownFactsAreKept() throws {
        let newer = injection("a", id: "t-1")
        do {
            let journal = try SQLiteJournal(in: scratch.path)
            try journal.open(newer)
        }
        let file = scratch.path + "/journal.sqlite"
        let record = #"{"mending":"byMagic","facts":[{"kind":"q","byHand":[["put","back"]]}]}"#
        let sql = """
            INSERT INTO version VALUES(99, 0); ALTER TABLE opened ADD COLUMN colour TEXT;
            INSERT INTO opened(id,run,name,fault,utc,record) VALUES('t-9','r','n','f',1,'\(record)');
            """
        #expect(shell("sqlite3 \(file) '\(sql.replacing("'", with: "'\\''"))'") == 0)
        let journal = try SQLiteJournal(in: scratch.path)
        let open = try journal.openInjections()
        #expect(open.count == 2)
        #expect(open.last?.facts.first?.byHand == [["put", "back"]])
        #expect(open.last?.facts.first?.kind == "unreadable-record")
        try journal.open(injection("b", id: "t-3"))
    }

    @Test func everyRowIsTakenAndItsTimeIsTold() throws {
        let journal = try SQLiteJournal(in: scratch.path)
        var times: [Int64] = []
        for number in 0..<200 {
            let row = injection("a", id: "t-\(number)")
            let start = nanoseconds()
            try journal.open(row)
            times.append(nanoseconds() - start)
        }
        times.sort()
        print("journal row: median \(times[100] / 1000) µs, p99 \(times[198] / 1000) µs")
        #expect(try journal.openInjections().count == 200)
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func aFullDiskStillTakesTheClosingOfRows() throws {
        defer { withExtendedLifetime(scratch) {} }
        let state = scratch.path + "/mount"
        let prepared = shell(
            """
            cd \(scratch.path) && truncate -s 16M disk.img && mkfs.ext4 -q -m 0 disk.img && mkdir mount && \
            mount -o loop disk.img mount
            """)
        #expect(prepared == 0)
        let journal = try SQLiteJournal(in: state)
        for number in 0..<50 { try journal.open(injection("a", id: "t-\(number)")) }
        #expect(access(state + "/ballast", F_OK) == 0)
        // Delayed allocation: only a sync shows how much really fits.
        shell("cat /dev/zero > \(state)/filler 2>/dev/null; sync")
        shell("for i in 1 2 3; do dd if=/dev/zero of=\(state)/filler$i bs=1k 2>/dev/null; sync; done")
        let more = "dd if=/dev/zero of=\(state)/more bs=1k count=64 conv=fsync 2>/dev/null"
        #expect(shell(more) != 0, "the disk is not full")
        for number in 0..<25 { try journal.close(InjectionID("t-\(number)")!, .verified) }
        journal.releaseBallast()
        for number in 25..<50 { try journal.close(InjectionID("t-\(number)")!, .verified) }
        #expect(try journal.openInjections().isEmpty)
        shell("rm -f \(state)/filler* \(state)/more")
        journal.restoreBallast()
        #expect(access(state + "/ballast", F_OK) == 0)
    }

    private func nanoseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
