import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import Testing

/// Approvals and notices, as the store keeps them.
@Suite struct OutboxTests {
    private func withStore(_ body: (OutcomeStore) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "muster-outbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try OutcomeStore(
            path: folder.appending(path: "outcomes.sqlite").path, hash: { "\($0.count)" },
            isAlive: { _ in true })
        try body(store)
        try store.close()
    }

    private func channel(_ name: String, _ kinds: Set<Notice.Kind>) -> NoticeChannel {
        NoticeChannel(name: name, way: .command(["true"]), kinds: kinds)
    }

    private func notice(_ id: String, _ kind: Notice.Kind) -> Notice {
        Notice(id: id, kind, utc: 1_000_000_000_000, title: "title", text: "text", detail: ["drill": "d"])
    }

    @Test func aNoticeGoesToThoseWhoWantIt() throws {
        try withStore { store in
            let channels = [channel("a", [.verdict]), channel("b", [.abort, .verdict])]
            try store.post(notice("1", .verdict), to: channels)
            try store.post(notice("2", .abort), to: channels)
            try store.post(notice("2", .abort), to: channels)
            try store.post(notice("3", .start), to: channels)
            #expect(try store.notices(limit: 9).map { "\($0.id)\($0.channel)" } == ["2b", "1a", "1b"])
            #expect(try store.nextNotice() == Moment(seconds: 1000))
            let body = try #require(store.notices(limit: 1).first?.body)
            #expect(
                body == """
                    {"at":"1970-01-01T00:16:40Z","detail":{"drill":"d"},"format":1,"id":"2","kind":"abort","text":"text",\
                    "title":"title"}
                    """)
        }
    }

    /// Whoever takes one has it alone until the claim is over; what arrived is never taken again.
    @Test func oneIsTriedByOneAtATime() throws {
        try withStore { store in
            try store.post(notice("1", .verdict), to: [channel("a", [.verdict])])
            func take(_ now: Int64) throws -> OutboxEntry? {
                try store.takeNotice(for: "a", at: Moment(seconds: now), until: Moment(seconds: now + 100))
            }
            #expect(try take(999) == nil)
            #expect(try store.channelsDue(at: Moment(seconds: 999)).isEmpty)
            #expect(try store.channelsDue(at: Moment(seconds: 1000)) == ["a"])
            #expect(
                try store.takeNotice(for: "b", at: Moment(seconds: 1000), until: Moment(seconds: 1100)) == nil
            )
            #expect(try take(1000)?.attempts == 1)
            #expect(try take(1050) == nil)
            // Whoever had it died.
            let second = try #require(try take(1100))
            #expect(second.attempts == 2)
            try store.settle(second, .waiting(next: Moment(seconds: 1300)), failure: "no answer")
            #expect(try store.notices(limit: 1).first?.failure == "no answer")
            let third = try #require(try take(1300))
            try store.settle(third, .delivered(at: Moment(seconds: 1301)), failure: nil)
            // Somebody who was late with a failure does not undo that.
            try store.settle(third, .waiting(next: Moment(seconds: 1500)), failure: "late")
            #expect(try store.nextNotice() == nil)
            #expect(try store.notices(limit: 1, undelivered: true).isEmpty)
            #expect(try store.retryNotices(nil, at: Moment(seconds: 2000)) == 0)
        }
    }

    @Test func whatWasGivenUpCanBeTriedAgain() throws {
        try withStore { store in
            try store.post(notice("1", .verdict), to: [channel("a", [.verdict])])
            try store.post(notice("2", .verdict), to: nil, failure: "nobody knows")
            let entry = try #require(
                try store.takeNotice(for: "a", at: Moment(seconds: 1000), until: Moment(seconds: 1100)))
            try store.settle(entry, .gaveUp, failure: "refused")
            #expect(try store.nextNotice() == nil)
            #expect(try store.notices(limit: 9, undelivered: true).map(\.channel) == ["?", "a"])
            #expect(try store.retryNotices("7", at: Moment(seconds: 5000)) == 0)
            #expect(try store.retryNotices(nil, at: Moment(seconds: 5000)) == 1)
            let again = try store.takeNotice(
                for: "a", at: Moment(seconds: 5000), until: Moment(seconds: 5100))
            #expect(again?.id == "1" && again?.created == Moment(seconds: 5000))
        }
    }

    @Test func theNewestApprovalCounts() throws {
        try withStore { store in
            let key = OccurrenceKey(schedule: "s", nominal: LocalTime(2027, 1, 1, 3))
            func approval(_ hash: String, _ at: Int64) -> Approval {
                Approval(
                    subject: .init(execHash: hash, planHash: "p"), by: "ada", ticket: "T",
                    at: Moment(seconds: at),
                    expires: Moment(seconds: at + 100))
            }
            #expect(try store.lastWord() == nil)
            try store.approve(key, approval("old", 10), actor: "root")
            try store.approve(key, approval("new", 20), actor: "root")
            try store.approve(
                OccurrenceKey(schedule: "other", nominal: key.nominal), approval("x", 15), actor: "root")
            #expect(try store.standingApprovals()[key] == approval("new", 20))
            #expect(try store.lastWord() == Moment(seconds: 20))
            #expect(try store.revoke(key, at: Moment(seconds: 30), by: "grace", reason: "no") == 2)
            #expect(try store.revoke(key, at: Moment(seconds: 31), by: "grace", reason: "no") == 0)
            #expect(try store.standingApprovals()[key] == nil)
            #expect(try store.lastWord() == Moment(seconds: 30))
            let records = try store.approvals(limit: 9)
            #expect(records.map(\.approval.subject.execHash) == ["x", "new", "old"])
            #expect(records[1].revocation?.by == "grace" && records[0].revocation == nil)
        }
    }
}
