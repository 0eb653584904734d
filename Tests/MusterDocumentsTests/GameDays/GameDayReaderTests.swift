import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// Reading a game day: what it means, and what is wrong with it, by line.
@Suite struct GameDayReaderTests {
    static let now = Moment(seconds: 1_795_737_600)  // 2026-11-27T00:00:00Z

    static func resources(longest: Duration = .seconds(60), limits: DrillLimits = DrillLimits())
        -> GameDayResources
    {
        let schedule = ScheduleReaderTests.resources()
        return GameDayResources(
            zone: schedule.zone, zoneNames: schedule.zoneNames,
            drill: { path, variables in
                if path == "drills/none.yaml" { throw FormProblem("there is no drill '\(path)'", at: nil) }
                return .init(
                    longest: longest, environment: variables["where"] == "production" ? .production : .lab,
                    service: variables["service"], limits: limits)
            })
    }

    /// A day without errors; each test breaks one thing.
    static let good = """
        format: 1
        gameday: failover
        title: Failover of the orders database
        purpose: To know whether customers notice.
        services: [orders]
        environment: lab
        tier: 1
        author: ada
        when: { starts: 2027-03-18T10:00, ends: 2027-03-18T12:00, timezone: Europe/Berlin }
        roles:
          owner: ada
          ic: ivan
          deputy: [dora]
          scribe: zoe
          operators: [otto]
          responders: [mika, rosa]
          approvers: [grace]
        absent: [carl]
        checklist:
          on-call: Whoever is on call knows.
          customers: { ask: Customers were told., role: ic, otherwise: warn }
        preflight: { freeSpace: 2GiB, backups: [{ path: /var/backups, within: 1d }] }
        drills:
          crash:
            drill: drills/a.yaml
            vars: { service: orders }
            title: Orders dies and comes back
            failure: SIGKILL
            impact: two seconds
            response: its supervisor
            alert: { name: OrdersDown, within: 1m }
            rollback: muster undo
          hang:
            drill: drills/b.yaml
            title: Orders hangs
            failure: SIGSTOP
            impact: three seconds
            response: nobody
            rollback: muster undo
            onFail: continue
        settle: { for: 10s, within: 3m }
        abort: { drillLongerThan: 5m, failures: 2 }
        comms: { start: We begin. }
        """

    private func examine(_ old: String, _ new: String, longest: Duration = .seconds(60)) throws
        -> GameDay.Examination
    {
        let text = Self.good.replacingOccurrences(of: old, with: new)
        try #require(old == new || text != Self.good, "'\(old)' is not there")
        return GameDay.examine(text, now: Self.now, resources: Self.resources(longest: longest))
    }

    @Test func aWholeFile() throws {
        let found = try examine("", "")
        let day = try #require(found.gameDay, "\(found.errors)")
        #expect(found.warnings.isEmpty, "\(found.warnings)")
        #expect(day.name == "failover" && day.author == "ada" && day.tier == 1 && day.zone == "Europe/Berlin")
        #expect(day.starts.text == "2027-03-18T09:00:00Z" && day.ends.text == "2027-03-18T11:00:00Z")
        #expect(day.roster[.responder] == ["mika", "rosa"] && day.roster[.approver] == ["grace"])
        #expect(day.roster.mayGo == ["ivan", "dora"] && day.roster.absent == ["carl"])
        #expect(day.checklist.map(\.name) == ["on-call", "customers"])
        #expect(day.checklist.map(\.otherwise) == [.block, .warn] && day.checklist[1].role == .ic)
        #expect(day.drills.map(\.name) == ["crash", "hang"] && day.drills[1].onFail == .continue)
        #expect(day.drills[0].alert == "OrdersDown" && day.drills[0].alertWithin == .seconds(60))
        #expect(day.settle.duration == .seconds(10) && day.abort.failures == 2 && day.abort.onResidue)
        #expect(
            day.limits.freeSpace == ByteCount(2 << 30) && day.limits.backups[0].within == .seconds(86_400))
        // Two drills of a minute each, and the gate between them.
        #expect(found.longest == .seconds(60 + 60 + 180))
        #expect(
            day.drills[0].expectation("back at once") == """
                title: Orders dies and comes back
                failure: SIGKILL
                impact: two seconds
                response: its supervisor
                alert: OrdersDown within 1m
                rollback: muster undo
                drill expects: back at once

                """)
    }

    @Test func peopleAreReadWhateverElseIsWrong() throws {
        let roster = try #require(
            GameDayRoster(
                readingGameDay: Self.good.replacingOccurrences(of: "drills/a.yaml", with: "drills/none.yaml"))
        )
        #expect(roster.holds("otto", .operator) && roster.absent == ["carl"])
        #expect(GameDayRoster(readingGameDay: "roles: 3") == nil)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var old: String
        var new: String
        var said: String
        var testDescription: String { new }
        init(_ old: String, _ new: String, _ said: String) {
            (self.old, self.new, self.said) = (old, new, said)
        }
    }

    @Test(arguments: [
        Case("Europe/Berlin", "CET", "9: 'CET' is an abbreviation, not a zone | Europe/Berlin"),
        Case(
            "Europe/Berlin", "Europe/Berlim",
            "9: there is no zone 'Europe/Berlim' | a zone of IANA | Europe/Berlin"),
        Case("Europe/Berlin }", "Europe/Berlin, zone: CET }", "9: unknown key 'zone'"),
        Case("ends: 2027-03-18T12", "ends: 2027-03-18T09", "9: it is over before it begins"),
        Case("starts: 2027-03-18T10:00", "starts: 2027-02-30T10:00", "9: "),
        Case(
            "ends: 2027-03-18T12:00", "ends: 2027-03-18T10:04", "9: the window is 4m 0s long, and the drills"),
        Case("  ic: ivan\n", "", "11: 'ic' is missing"),
        Case("ic: ivan", "ic: [ivan, dora]", "12: found a list"),
        Case("scribe: zoe", "scribe: ''", "14: a name is empty"),
        Case("[grace]", "[ada]", "17: only ada, who drew it up, may approve it, and it is of tier 1"),
        Case("absent: [carl]", "absent: [mika]", "18: 'mika' is absent, and yet responder"),
        Case("role: ic", "role: liaison", "21: nobody is liaison, who is to say yes"),
        Case("role: ic", "role: boss", "21: 'boss' is not known here"),
        Case("tier: 1", "tier: 0", "7: '0' is not allowed here | from 1 to 4"),
        Case("drills/a.yaml", "drills/none.yaml", "25: there is no drill 'drills/none.yaml'"),
        Case(
            "service: orders }", "where: production }",
            "25: drills/a.yaml is for production, and the day for lab"),
        Case(
            "onFail: continue", "conflictsWith: [crash]",
            "40: 'hang' comes after 'crash', with which it conflicts"),
        Case(
            "onFail: continue", "conflictsWith: [crush]",
            "40: the day has no drill 'crush' | one of crash, hang | crash"),
        Case("    impact: two seconds\n", "", "25: 'impact' is missing"),
        Case("for: 10s, within: 3m", "for: 10s, within: 3s", "41: it waits for less time than it must hold"),
        Case("failures: 2", "failures: 0", "42: '0' is not allowed here | at least 1"),
        Case("freeSpace: 2GiB", "freeSpace: 2", "22: found '2'"),
        Case("gameday: failover", "gameday: fail over", "2: 'fail over' is not a name"),
    ])
    func whatIsWrongIsSaidByLine(_ given: Case) throws {
        let found = try examine(given.old, given.new)
        let said = found.errors.map {
            ["\($0.place?.line ?? 0): \($0.message)", $0.expected, $0.nearest].compactMap { $0 }
                .joined(separator: " | ")
        }
        #expect(found.gameDay == nil)
        #expect(said.count == 1 && said[0].hasPrefix(given.said), "\(said)")
    }

    @Test(arguments: [
        Case("[mika, rosa]", "[mika, zoe]", "'zoe' writes things down, and breaks or mends them as well"),
        Case(
            "vars: { service: orders }", "vars: { service: billing }",
            "breaks 'billing', which the day does not name"),
        Case("2027-03-18", "2025-03-18", "the day is over"),
        Case("absent: [carl]", "blind: true\nabsent: [carl]", ""),
        Case("responders: [mika, rosa]", "responders: [otto]", ""),
    ])
    func whatIsDoubtfulIsAWarning(_ given: Case) throws {
        let found = try examine(given.old, given.new)
        #expect(found.gameDay != nil, "\(found.errors)")
        let said = found.warnings.map(\.message)
        #expect(
            given.said.isEmpty ? said.isEmpty : said.count == 1 && said[0].contains(given.said), "\(said)")
    }

    @Test func editorsAccept() throws {
        #expect(try SchemaTests.complaint(about: Self.good, schema: DrillSchema.gameDay) == "")
        let wrong = Self.good.replacingOccurrences(of: "scribe:", with: "skribe:")
        #expect(try SchemaTests.complaint(about: wrong, schema: DrillSchema.gameDay) != "")
    }
}
