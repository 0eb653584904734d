import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// A game day at terminals of 80×24 without colour: the one that carries it out, and those that look on.
    @Suite(.enabled(if: Tmux.isInstalled, "tmux is not installed")) struct GameDayBoards {
        private static let program = "'\(Lab.built)/muster'"

        /// In the middle of its second drill.
        private func held(_ lab: Lab, hold: String = "50s", extra: String = "", blind: String = "") throws
            -> (day: ShortGameDay, board: Tmux)
        {
            let day = try ShortGameDay(lab, hold: hold, extra: extra)
            try day.prepare()
            let board = try Tmux(
                lab, "\(Self.program) gameday run short --go sam --tui \(blind)", size: (80, 24))
            // On one screen: a moment earlier it shows the end of the first drill.
            let isHeld = lab.eventually(within: .seconds(90)) {
                let screen = board.visible
                return ["short-pause  #2", "drill 2 of 3", "since the fault"].allSatisfy(screen.contains)
            }
            try #require(isHeld != nil, "\(board.visible)")
            return (day, board)
        }

        private func interrupt(_ board: Tmux) throws {
            try board.type("a", "y")
            try board.waits(for: "exit code 4")
        }

        @Test func everythingIsThereAt80x24() throws {
            let lab = try Lab()
            let (day, board) = try held(
                lab,
                extra: "abort: { faultLongerThan: 2m, heartbeat: { every: 10m } }")
            let note = try lab.muster("note", "the page came", "--as", "mika")
            #expect(note.code == 0, "\(note.all)")
            try board.waits(for: "mika: the page came")
            let screen = board.visible
            let all: Comment = "\(screen)"
            // State and clocks, since the fault, RTO, RPO, availability, latency, guards, steps, faults, lock, people,
            // notes, abort.
            for words in [
                "RUNNING", "UTC", "since the fault", "RTO", "RPO", "in doubt", "AVAIL", "LATENCY", "ABORT IF",
                "DAY ENDS", "broken for 2m 0s", "STEP", "FAULTS", "hang", "LOCK", "PEOPLE", "sam (safety)",
                "NOTES",
                "[a] ABORT", "[h]ere",
            ] { #expect(screen.contains(words), "'\(words)' is missing:\n\(screen)") }
            let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.allSatisfy { $0.count <= 80 } && lines.count <= 25, all)
            #expect(!screen.contains("\u{1B}"), all)
            // A sign of life, by a key.
            try board.type("h")
            try board.waits(for: "heard; the next one is due within 10m")
            #expect(try day.lines().contains("heartbeat sam safety: here"))
            // Twenty columns, and back.
            try board.resize(20, 24)
            let short = lab.eventually(within: .seconds(30)) {
                let lines = board.visible.split(separator: "\n")
                return lines.contains { $0.hasPrefix("fault ") } && lines.allSatisfy { $0.count <= 20 }
            }
            #expect(short != nil, "\(board.visible)")
            try board.resize(80, 24)
            try board.waits(for: "DAY ENDS")
            let back = lab.eventually(within: .seconds(30)) { board.visible.contains("PEOPLE") }
            #expect(back != nil, "\(board.visible)")
            try interrupt(board)
            // The terminal is as it was: what the command says in the end stands on the ordinary screen.
            try board.waits(for: "'short' ended early: sam: asked for at the board. Everything is put back.")
            board.end()
            try lab.expectNothingLeft()
        }

        /// Ctrl-Z does nothing where the day is carried out, and Ctrl-S holds only what is shown.
        @Test func aTerminalThatIsHeldHoldsNothingUp() throws {
            let lab = try Lab()
            let (day, board) = try held(lab)
            try board.type("C-z", "C-s")
            // What somebody asks for elsewhere is heard, and carried out to the end.
            let asked = try lab.muster("gameday", "abort", "--reason", "enough", "--as", "ivan")
            #expect(asked.code == 0, "\(asked.all)")
            let over = lab.eventually(within: .seconds(90)) { (try? day.state()) == "aborted" }
            let said = try day.lines()
            #expect(over != nil, "\(said)")
            #expect(try lab.newestOutcome()["residue"] == [] && lab.newestOutcome()["ending"] == "aborted")
            try board.type("C-q")
            try board.waits(for: "exit code 4")
            board.end()
            try lab.expectNothingLeft()
        }

        @Test func aTerminalThatIsClosedEndsTheDay() throws {
            let lab = try Lab()
            let (day, board) = try held(lab)
            let service = try lab.service()
            #expect(lab.isStopped(service))
            board.end()
            let over = lab.eventually(within: .seconds(90)) { (try? day.state()) == "aborted" }
            let said = try day.lines()
            #expect(over != nil, "\(said)")
            let lines = try day.lines()
            #expect(
                lines.contains {
                    $0.hasPrefix("abort muster: the terminal that runs it was closed (SIGHUP)")
                }, "\(lines)")
            #expect(try lab.newestOutcome()["ending"] == "aborted" && lab.newestOutcome()["residue"] == [])
            #expect(lab.eventually { lab.exists("runbooks/reports/gameday-1.md") } != nil)
            try lab.expectNothingLeft()
        }

        /// Ctrl-Z of a terminal that looks on gives it back, and `fg` shows how far it is by then.
        @Test func whoLooksOnIsSuspendedAndComesBack() throws {
            let lab = try Lab()
            let (_, board) = try held(lab)
            let other = try Tmux(lab, "PS1='shell> ' exec bash --norc -i", size: (80, 24))
            try other.waits(for: "shell>")
            try other.type("\(Lab.built)/muster attach --as ivan", "Enter")
            try other.waits(for: "since the fault")
            let before = try age(other)
            try other.type("C-z")
            let given = lab.eventually(within: .seconds(30)) {
                other.visible.contains("Stopped") && !other.visible.contains("since the fault")
            }
            #expect(given != nil, "\(other.visible)")
            // Echo is on again.
            try other.type("echo it is $((40 + 2))", "Enter")
            try other.waits(for: "it is 42")
            #expect(other.visible.contains("echo it is"), "\(other.visible)")
            try other.type("fg", "Enter")
            let again = lab.eventually(within: .seconds(30)) { other.visible.contains("since the fault") }
            try #require(again != nil, "\(other.visible)")
            #expect(!other.visible.contains("it is 42"), "\(other.visible)")
            #expect(try age(other) > before)
            try other.type("q")
            let left = lab.eventually(within: .seconds(30)) { other.visible.contains("it is 42") }
            #expect(left != nil, "\(other.visible)")
            other.end()
            try interrupt(board)
            board.end()
            try lab.expectNothingLeft()
        }

        /// Seconds since the fault, as a board shows them.
        private func age(_ board: Tmux) throws -> Double {
            let screen = board.visible
            let found = try #require(screen.firstMatch(of: /([0-9.]+) s since the fault/), "\(screen)")
            return try #require(Double(found.1))
        }

        /// A day that people only talk about hides no drill that runs, and a pipe does not wait for their talk.
        @Test func aDayInItsHotWash() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            try day.prepare()
            let pipe = try lab.start(["attach", "short"])
            let run = try day.start("--go", "ivan").end(within: .seconds(150))
            #expect(try day.state() == "hotwash", "\(run.all)")
            let lines = try pipe.end(within: .seconds(30))
            #expect(
                lines.code == 0 && lines.output.contains("the drills are over, the game day is hotwash"),
                "\(lines.all)")
            #expect(lines.errors.contains("this waits until its drills are over"), "\(lines.all)")
            #expect(
                lines.output.contains("'last', begins") && lines.output.contains("outcome #3"), "\(lines.all)"
            )
            let idle = try Tmux(lab, "\(Self.program) attach", size: (80, 24))
            try idle.waits(for: "muster gameday hotwash short")
            #expect(!idle.visible.contains("next drill"), "\(idle.visible)")
            try idle.type("q")
            try idle.waits(for: "exit code 0")
            let drill = try lab.start(["run", "drills/short-kill.yaml"])
            try drill.waits(for: "steady", within: .seconds(60))
            let live = try Tmux(lab, "\(Self.program) attach", size: (80, 24))
            try live.waits(for: "short-kill  #4")
            _ = try drill.end(within: .seconds(90))
            idle.end()
            live.end()
            try lab.expectNothingLeft()
        }

        /// Whoever attached before the go is blind from the go on, and sees it all once the drills are over.
        @Test func nobodyIsTold() throws {
            let lab = try Lab()
            try lab.write(
                "format: 1\nchannels: { file: { command: [/bin/sh, tell.sh], on: [start, abort, verdict, finding] } }\n",
                to: "drills/notify.yaml")
            try lab.write("cat >> told; echo >> told\n", to: "tell.sh")
            let day = try ShortGameDay(lab, hold: "50s", extra: "blind: true")
            try day.prepare()
            let board = try Tmux(lab, "\(Self.program) attach short --as mika", size: (80, 24))
            let pipe = try lab.start(["attach", "short", "--as", "mika"])
            let json = try lab.start(["attach", "short", "--json"])
            try board.waits(for: "nobody has said go yet")
            let run = try day.start("--go", "ivan")
            try run.waits(for: "process-pause hit 'kv'", within: .seconds(90))
            let isHit = lab.eventually(within: .seconds(60)) {
                let screen = board.visible
                return ["a drill  #2", "drill 2 of 3", "since the fault"].allSatisfy(screen.contains)
            }
            #expect(isHit != nil, "\(board.visible)")
            var seen = ["board": board.screen]
            let number = try lab.newestOutcome()["number"]?.asInt ?? 0
            let direct = try Tmux(lab, "\(Self.program) attach \(number) --as mika", size: (80, 24))
            try direct.waits(for: "since the fault")
            seen["run"] = direct.screen
            let knowing = try Tmux(lab, "\(Self.program) attach --as otto", size: (80, 24))
            try knowing.waits(for: "short-pause")
            let report = try lab.muster("gameday", "report", "short")
            #expect(report.code == 7 && report.errors.contains("the day is blind"), "\(report.all)")
            _ = try run.child.kill(SIGINT)
            _ = try run.end(within: .seconds(90))
            seen["pipe"] = try pipe.end(within: .seconds(30)).output
            seen["json"] = try json.end(within: .seconds(30)).output
            // Begin and early end are told, in the plan's own words.
            let told = lab.eventually { ((try? lab.read("told")) ?? "").contains("We stop.") }
            seen["told"] = (try? lab.read("told")) ?? ""
            #expect(told != nil && seen["told"]?.contains("DRILL: We begin.") == true, "\(seen)")
            for (place, text) in seen.sorted(by: { $0.key < $1.key }) {
                for secret in [
                    "crash", "hang", "hangs", "short-pause", "short-kill", "process-pause", "process-kill",
                ] {
                    let word = try Regex("\\b\(secret)\\b")
                    #expect(!text.contains(word), "\(place) says \(secret): \(text)")
                }
            }
            let after = try lab.muster("gameday", "hotwash", "--done", "--as", "ada")
            #expect(after.code == 0, "\(after.all)")
            let text = try lab.read("runbooks/reports/gameday-1.md")
            #expect(text.contains("The service hangs") && text.contains("yes: responders were not told"))
            for terminal in [board, direct, knowing] { terminal.end() }
            try lab.expectNothingLeft()
        }
    }
}
