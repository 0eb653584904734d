import MusterCore
import MusterDrills
import Testing

@testable import MusterProbes

/// What Alertmanager and Prometheus say, as their documentation has it and as nobody should.
@Suite struct AlertTextTests {
    @Test func alertmanagersMessage() throws {
        let text = """
            {"version": "4", "groupKey": "{}:{alertname=\\"Down\\"}", "truncatedAlerts": 0, "status": "firing",
             "receiver": "muster", "groupLabels": {"alertname": "Down"}, "commonLabels": {}, "externalURL": "http://x",
             "alerts": [
              {"status": "firing", "labels": {"alertname": "Down", "job": "kv"}, "annotations": {"summary": "x"},
               "startsAt": "2026-11-27T10:00:00.123456789Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f1"},
              {"status": "resolved", "labels": {"alertname": "Slow"}, "startsAt": "soon", "fingerprint": ""},
              {"status": "firing"}, 7]}
            """
        let message = try #require(AlertText.message(Array(text.utf8)))
        #expect(message.alerts.map(\.status) == [.firing, .resolved])
        #expect(message.alerts[0].labels == ["alertname": "Down", "job": "kv"])
        #expect(
            message.alerts[0].fingerprint == "f1" && message.alerts[1].fingerprint == #"{"alertname":"Slow"}"#
        )
        #expect(message.alerts[0].startsAt == 1_795_773_600_123_456_789)
        #expect(message.alerts[1].startsAt == nil)
        #expect(message.document["version"] == "4")
        #expect(AlertText.message(Array("{".utf8)) == nil)
        #expect(AlertText.message(Array("[1]".utf8))?.alerts.isEmpty == true)
    }

    @Test func answersOfTheAPIs() throws {
        let prometheus = """
            {"status": "success", "data": {"alerts": [
              {"labels": {"alertname": "Down"}, "state": "firing", "activeAt": "2026-11-27T10:00:00Z", "value": "0e+00"},
              {"labels": {"alertname": "Soon"}, "state": "pending", "activeAt": "2026-11-27T10:00:00Z"}]}}
            """
        #expect(AlertText.prometheus(Array(prometheus.utf8))?.map(\.labels) == [["alertname": "Down"]])
        #expect(AlertText.prometheus(Array(#"{"status":"error"}"#.utf8)) == nil)
        let alertmanager = """
            [{"labels": {"alertname": "Down"}, "fingerprint": "f", "startsAt": "2026-11-27T11:00:00+01:00",
              "status": {"state": "active"}},
             {"labels": {"alertname": "Known"}, "fingerprint": "g", "status": {"state": "suppressed"}}]
            """
        let active = try #require(AlertText.alertmanager(Array(alertmanager.utf8)))
        #expect(active.map(\.fingerprint) == ["f"] && active[0].startsAt == 1_795_773_600_000_000_000)
        #expect(AlertText.alertmanager(Array("{}".utf8)) == nil)
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:01Z", 1_000_000_000), ("1970-01-01T01:00:00.5+01:00", 500_000_000),
            ("1969-12-31T23:59:59Z", -1_000_000_000), ("1970-01-01t00:00:00z", 0),
            ("0001-01-01T00:00:00Z", nil),
            ("1970-01-01", nil), ("1970-13-01T00:00:00Z", nil), ("9999-01-01T00:00:00Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func momentsAreRead(_ text: String, _ expected: Int64?) { #expect(AlertText.instant(text) == expected) }
}
