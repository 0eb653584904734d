import Foundation
import MusterCore
import Testing

@testable import MusterDrills

/// Frames compared whole; `RECORD=1` writes them anew.
@Suite struct BoardFrameTests {
    private static let sizes = [(80, 24), (20, 8), (200, 60)]

    private static func frame(_ scene: BoardScene, _ columns: Int, _ rows: Int) -> String {
        BoardFrame.lines(scene, columns: columns, rows: rows).map { line in
            String(line.text.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n") + "\n"
    }

    private func expectGolden(_ scene: BoardScene, _ name: String) throws {
        let shown = Self.sizes.map { columns, rows in
            "--- \(columns)x\(rows)\n" + Self.frame(scene, columns, rows)
        }.joined()
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/board/\(name).txt")
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try shown.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(shown == (try String(contentsOf: file, encoding: .utf8)))
    }

    /// In the middle of an outage, with a question.
    private static func down(_ drill: String = "short-kill") -> BoardScene {
        var given = GivenBoard(drill: drill)
        given.see(Seen("health").then(.ok, 0, 4990))
        given.see(Seen("writes", writer: 0).then(.ok, 2000, 4990, takes: 3))
        given.strike()
        given.board.earlier = RunBoard.Earlier(
            number: 11, took: ["look": .seconds(40), "start": .seconds(2)])
        given.board.apply(given.event(.firstFailure, 5010, "'health' sees the first failure"))
        given.board.apply(
            given.event(.runbookStarted, 6500, "runbook by-hand.md begins", subject: "by-hand.md"))
        given.board.apply(
            given.event(.note, 6600, "the page came", actor: "mika", detail: ["entry": "decision"]))
        given.see(Seen("health").then(.error, 5000, 7190))
        given.pulse(7000, .steps, badSince: 5010)
        var scene = given.scene(7200)
        scene.questions = [GivenBoard.question()]
        scene.attendee = Attendee(name: "kim", roles: ["ic"])
        return scene
    }

    @Test func anOutage() throws { try expectGolden(Self.down(), "outage") }

    @Test func beforeTheFault() throws {
        var given = GivenBoard()
        given.see(Seen("health").then(.ok, 0, 2990))
        given.pulse(3000, .warmingUp)
        try expectGolden(given.scene(3000), "before")
    }

    @Test func backAgain() throws {
        var given = GivenBoard()
        given.see(Seen("health").then(.ok, 0, 4990))
        given.strike()
        given.see(Seen("health").then(.error, 5000, 7190).then(.ok, 7200, 9000))
        given.board.apply(given.event(.runbookFinished, 7300, subject: "by-hand.md", detail: ["ok": true]))
        given.board.apply(given.event(.undone, 8000, subject: "crash"))
        given.pulse(9000, .recovering)
        try expectGolden(given.scene(9000), "back")
    }

    @Test func aGameDay() throws {
        var scene = Self.down()
        scene.day = BoardDay(
            title: "A short day", state: "running", position: "drill 1 of 3",
            roster: [
                BoardDay.Member(name: "ivan", roles: ["ic"], standing: "here"),
                BoardDay.Member(name: "carl", roles: ["scribe"], standing: "ABSENT"),
            ],
            entries: [
                BoardDay.Entry(utc: GivenBoard.utc, actor: "ivan", kind: "decision", text: "go"),
                BoardDay.Entry(utc: GivenBoard.utc, actor: "muster", kind: "comm", text: "DRILL: We begin."),
            ])
        try expectGolden(scene, "game-day")
        scene.isBlind = true
        try expectGolden(scene, "blind")
        let text = Self.frame(scene, 200, 60)
        for secret in ["short-kill", "process-kill", "crash"] { #expect(!text.contains(secret)) }
        #expect(Self.frame(Self.down(), 200, 60).contains("process-kill"))
        scene.board = nil
        scene.idle = ["No drill runs."]
        try expectGolden(scene, "between")
    }

    @Test func theRunnerIsGone() throws {
        var scene = Self.down()
        scene.life = .gone
        scene.questions = []
        try expectGolden(scene, "gone")
    }

    @Test func whatIsTypedAndWhatIsAnswered() throws {
        var scene = Self.down()
        scene.prompt = [
            "Enter keeps it, Esc drops it", "note> " + String(repeating: "long ", count: 60) + "end_",
        ]
        scene.notice = "note kept"
        for (columns, rows) in Self.sizes {
            let text = Self.frame(scene, columns, rows)
            #expect(text.contains("end_"), "\(columns)x\(rows):\n\(text)")
        }
    }

    /// No size, and nothing that people call themselves or write, makes a frame larger than its terminal.
    @Test func nothingBreaksTheLayout() {
        let hostile = [
            "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}", "\u{1B}[2J\u{1B}[31m", "日本語の名前", "👩‍👩‍👧‍👦🏳️‍🌈",
            "\u{202E}evil",
            "a\tb\nc\rd\u{7}", "\u{200B}\u{FEFF}", "한국어 \u{1112}\u{1161}\u{11AB}",
            String(repeating: "x", count: 5000),
        ].joined(separator: " ")
        var scene = Self.down(hostile)
        scene.questions = [GivenBoard.question(hostile, role: hostile, ask: hostile)]
        scene.notice = hostile
        scene.prompt = [hostile, hostile]
        scene.day = BoardDay(
            title: hostile, state: hostile, position: hostile,
            roster: [BoardDay.Member(name: hostile, roles: [hostile], standing: hostile)],
            entries: [BoardDay.Entry(utc: 0, actor: hostile, kind: hostile, text: hostile)])
        for columns in [1, 2, 3, 5, 10, 19, 20, 21, 49, 50, 51, 80, 200, 500] {
            for rows in [1, 2, 3, 5, 8, 13, 14, 24, 60] {
                for life in [BoardScene.Life.running, .gone, .silent(.seconds(9))] {
                    scene.life = life
                    let lines = BoardFrame.lines(scene, columns: columns, rows: rows)
                    #expect(lines.count <= rows)
                    for line in lines {
                        #expect(PlainText.columns(line.text) <= columns, "\(columns)x\(rows): \(line.text)")
                        #expect(
                            !line.text.unicodeScalars.contains {
                                $0.properties.generalCategory == .control
                                    || $0.properties.generalCategory == .format
                            })
                    }
                }
            }
        }
        #expect(BoardFrame.lines(scene, columns: 0, rows: 5).isEmpty)
    }

    @Test func widthsAreReckoned() {
        #expect(PlainText.columns("日本") == 4 && PlainText.columns("e\u{301}") == 1)
        #expect(PlainText.clean("a\u{1B}[31mb\u{202E}\n") == "a·[31mb ")
        #expect(PlainText.cut("日本語", to: 4) == "日…" && PlainText.fit("日本語", 4) == "日… ")
        #expect(PlainText.cut("abc", to: 3) == "abc")
    }
}
