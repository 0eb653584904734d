import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// `drills/notify.yaml`.
@Suite struct NoticeFileTests {
    private func read(_ channels: String) throws -> [NoticeChannel] {
        try NoticeFile.read("format: 1\nchannels:\n" + channels)
    }

    @Test func channelsAreRead() throws {
        let channels = try read(
            """
              chat: { webhook: "${env:CHAT}", body: text, on: [abort, residue] }
              ops: { webhook: "https://hooks.example.org/m", secret: "${file:/etc/key}", timeout: 2s, giveUpAfter: 1h }
              page: { command: [scripts/page, now] }

            """)
        #expect(channels.map(\.name) == ["chat", "ops", "page"])
        #expect(channels[0].way == .webhook(url: "${env:CHAT}", secret: nil, body: .text))
        #expect(channels[0].kinds == [.abort, .residue])
        #expect(channels[1].timeout == .seconds(2) && channels[1].giveUpAfter == .seconds(3600))
        #expect(channels[2].way == .command(["scripts/page", "now"]))
        // Nobody is woken because all goes well, unless they ask for it; a trial goes to everybody.
        #expect(!channels[2].wants(.start) && channels[2].wants(.verdict) && channels[0].wants(.test))
        #expect(!channels[0].wants(.verdict))
    }

    @Test(arguments: [
        ("a: {}", "nothing says how"),
        ("a: { webhook: \"https://a\", command: [b] }", "two ways"),
        ("a: { webhook: \"https://a\", secret: hunter2 }", "does not belong here"),
        ("a: { webhook: \"https://a\", secret: \"x${env:A}\" }", "does not belong here"),
        ("a: { webhook: \"https://user:hunter2@a/\" }", "a password in the URL"),
        ("a: { webhook: \"ftp://a\" }", "no URL of a web server"),
        ("a: { webhook: \"https://a/${env:TOKEN}\" }", "no URL of a web server"),
        ("a: { command: [b], secret: \"${env:A}\" }", "belong to a webhook"),
        ("a: { command: [] }", "no program is named"),
        ("a: { command: [b], on: [] }", "on"),
        ("a: { command: [b], timeout: 2m }", "timeout"),
        ("a: { command: [b], on: [everything] }", "everything"),
    ]) func whatCannotBeIsSaid(channel: String, words: String) {
        do {
            _ = try read("  \(channel)\n")
            Issue.record("\(channel) was taken")
        } catch {
            let problems = (error as? FormProblems)?.problems ?? []
            let said = problems.map { "\($0.path) \($0.message) \($0.expected ?? "")" }.joined()
            #expect(said.contains(words), "\(said)")
            #expect(!said.contains("hunter2"))
        }
    }

    @Test func waitsGrowAndDiffer() {
        #expect(NoticeChannel.pause(after: 1, random: 1) == .seconds(5))
        #expect(NoticeChannel.pause(after: 1, random: 0) == .seconds(3))
        #expect(NoticeChannel.pause(after: 3, random: 1) == .seconds(20))
        #expect(NoticeChannel.pause(after: 1000, random: 1) == .seconds(600))
        #expect(NoticeChannel.pause(after: 1000, random: 0) == .seconds(300))
    }
}
