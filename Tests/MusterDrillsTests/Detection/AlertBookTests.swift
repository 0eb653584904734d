import MusterCore
import MusterDrills
import Testing

/// What sources say, and what goes on record.
@Suite struct AlertBookTests {
    private func book(polled: Bool = false, json: [String: String] = [:], resolved: [String: String] = [:])
        -> AlertBook
    {
        var drill = Drill(name: "given")
        var source = AlertSource()
        source.name = "pager"
        if polled { source.prometheus = "http://x" } else { source.webhook = "127.0.0.1:1" }
        drill.alertSources = [source]
        var alert = ExpectedAlert()
        alert.name = "down"
        alert.source = "pager"
        if json.isEmpty { alert.labels = ["alertname": TextPattern("Down"), "job": TextPattern("kv-*")] }
        alert.json = json.mapValues { TextPattern($0) }
        alert.resolved = resolved.mapValues { TextPattern($0) }
        drill.alerts = [alert]
        return AlertBook(drill)
    }

    private func alert(_ status: Alert.Status = .firing, _ name: String = "Down", job: String = "kv-1")
        -> Alert
    {
        Alert(status, labels: ["alertname": name, "job": job], fingerprint: name + job)
    }

    @Test func patternsMatchAsWritten() {
        for (pattern, text, expected) in [
            ("", "", true), ("a", "a", true), ("a", "A", false), ("*", "", true), ("kv-*", "kv-", true),
            ("kv-*", "kw-1", false), ("*-1", "kv-1-1", true), ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("**x", "x", true), ("a", "ab", false),
        ] {
            #expect(TextPattern(pattern).matches(text) == expected, "\(pattern) \(text)")
        }
        // What makes a backtracking matcher take for ever.
        let hostile = String(repeating: "a", count: 2000)
        #expect(!TextPattern(String(repeating: "a*", count: 50) + "b").matches(hostile))
    }

    @Test func repeatsAreOneAlertAndFlappingIsTwo() {
        var book = book()
        _ = book.listening("pager", at: at(0), "listens")
        func send(_ status: Alert.Status, _ time: Double) -> [String] {
            book.received([alert(status)], document: .null, from: "pager", bracket(time, time + 1)).map(
                \.text)
        }
        #expect(send(.firing, 10) == [#"alert 'down' fires: Down{job="kv-1"}"#])
        #expect(book.state.firing == ["down"] && book.state.noticed == ["down": at(11)])
        #expect(send(.firing, 20).isEmpty)
        #expect(send(.resolved, 30) == [#"alert 'down' is over: Down{job="kv-1"}"#])
        #expect(book.state.firing.isEmpty)
        #expect(send(.firing, 40).count == 1)
        #expect(book.state.noticed == ["down": at(41)])
    }

    @Test func othersAreToldAndDoNotCount() {
        var book = book()
        let notes = book.received(
            [alert(.firing, "Slow"), alert(job: "other")], document: .null, from: "pager", bracket(1, 2))
        #expect(notes.map(\.kind) == [.alertOther, .alertOther])
        #expect(book.state.noticed.isEmpty && book.state.firing.isEmpty)
        let odd = book.received([], document: ["a": 1], from: "pager", bracket(1, 2))
        #expect(odd.map(\.text) == ["a message that is about no expected alert"])
    }

    @Test func aThousandAlertsAreBoundedAndTheOneThatCountsIsFound() {
        var book = book()
        let many = (0..<5000).map { alert(.firing, "Noise", job: "\($0)") } + [alert()]
        let notes = book.received(many, document: .null, from: "pager", bracket(1, 2))
        #expect(notes.count { $0.kind == .alertOther } == 20)
        #expect(notes.count { $0.kind == .alert } == 1)
        #expect(book.end(at: at(9)).first?.text == "4076 more alerts and messages about something else")
    }

    @Test func anAlertThatFlapsForHoursIsToldOfOftenEnough() {
        var book = book()
        var count = 0
        for turn in 0..<1000 {
            count +=
                book.received(
                    [alert(turn % 2 == 0 ? .firing : .resolved)], document: .null, from: "pager",
                    bracket(1, 2)
                ).count
        }
        #expect(count == 200)
    }

    @Test func looksBoundWhatChangedBetweenThem() throws {
        var book = book(polled: true)
        #expect(book.state.unheard == ["pager"])
        #expect(book.failed("pager", sent: at(0), finished: at(1), "refused").isEmpty)
        _ = book.asked("pager", sent: at(100), finished: at(110), [])
        #expect(book.state.unheard.isEmpty)
        let fired = book.asked("pager", sent: at(200), finished: at(210), [alert()])
        #expect(fired.map(\.bracket) == [bracket(100, 210)])
        #expect(book.asked("pager", sent: at(300), finished: at(310), [alert()]).isEmpty)
        let over = book.asked("pager", sent: at(400), finished: at(410), [])
        #expect(over.map(\.bracket) == [bracket(300, 410)])
        #expect(over.first?.detail["status"] == "resolved")
    }

    @Test func looksThatFailLeaveAGap() {
        var book = book(polled: true)
        _ = book.asked("pager", sent: at(100), finished: at(110), [])
        #expect(book.failed("pager", sent: at(200), finished: at(210), "refused").isEmpty)
        #expect(book.failed("pager", sent: at(300), finished: at(310), "status 500").isEmpty)
        let notes = book.asked("pager", sent: at(400), finished: at(410), [alert()])
        #expect(notes.map(\.kind) == [.alertBlind, .alert])
        #expect(notes.map(\.bracket) == [bracket(100, 410), bracket(100, 410)])
        _ = book.failed("pager", sent: at(500), finished: at(510), "refused")
        let last = book.end(at: at(600))
        #expect(last.map(\.kind) == [.alertBlind, .alertWatch])
        #expect(last.first?.bracket == bracket(400, 600))
        // The last look that counts, not the moment at which somebody stopped looking.
        #expect(last.last?.bracket == bracket(400, 600))
    }

    @Test func anyMessageCanBeAnAlert() {
        var book = book(json: ["/service": "kv", "/state": "alarm*"], resolved: ["/state": "ok"])
        func send(_ document: Value) -> [String] {
            book.received([], document: document, from: "pager", bracket(1, 2)).map { $0.kind.rawValue }
        }
        #expect(send(["service": "kv", "state": "ok"]) == ["alert"])
        #expect(book.state.firing.isEmpty)
        #expect(send(["service": "kv", "state": "alarm 5"]) == ["alert"])
        #expect(book.state.firing == ["down"])
        #expect(send(["service": "db", "state": "ok"]) == ["alert-other"])
        #expect(book.state.firing == ["down"])
        #expect(send(["service": "kv", "state": "ok"]) == ["alert"])
        #expect(book.state.firing.isEmpty)
    }

    @Test func whatAlertmanagerLeftOutMayHaveBeenIt() {
        var book = book()
        let notes = book.received([alert()], document: ["truncatedAlerts": 7], from: "pager", bracket(1, 2))
        #expect(Set(notes.map(\.kind)) == [.alert, .alertBlind])
    }

    @Test func whatIsKeptOfAnAlertIsBounded() throws {
        var labels = ["alertname": "Down", "job": "kv-" + String(repeating: "x", count: 100_000)]
        for index in 0..<1000 { labels["label\(index)"] = String(repeating: "y", count: 1000) }
        var book = book()
        let huge = Alert(.firing, labels: labels)
        let note = try #require(book.received([huge], document: .null, from: "pager", bracket(1, 2)).first)
        #expect(note.text.utf8.count < 4000 && note.detail.canonicalJSON.utf8.count < 8000)
    }
}
