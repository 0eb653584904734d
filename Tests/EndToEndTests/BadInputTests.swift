import Foundation
import Glibc
import MusterCore
import Testing

extension EndToEndTroubles {
    /// What people get wrong: a clear no, the right exit code, nothing started.
    @Suite struct BadInput {
        private func refused(
            _ lab: Lab, _ code: Int32, _ arguments: String..., saying words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let answer = try lab.start(arguments).end()
            #expect(answer.code == code, "\(arguments): \(answer.all)", sourceLocation: sourceLocation)
            for word in words {
                #expect(
                    answer.errors.contains(word), "\(arguments) without '\(word)': \(answer.all)",
                    sourceLocation: sourceLocation)
            }
            // Nobody should need to know in which language it was written.
            for word in ["Fatal error", "Swift.", "NSError", "Optional("] {
                #expect(!answer.all.contains(word), "\(answer.all)", sourceLocation: sourceLocation)
            }
            #expect(
                !lab.exists("\(lab.state)/journal.sqlite"), "nothing was started",
                sourceLocation: sourceLocation)
            #expect(lab.leftovers().isEmpty, sourceLocation: sourceLocation)
        }

        @Test func filesThatAreNoDrills() throws {
            let lab = try Lab()
            for command in ["run", "plan", "lint"] {
                try refused(lab, 2, command, "drills/nonexistent.yaml", saying: "drills/nonexistent.yaml")
            }
            for command in ["run", "plan"] {
                try refused(lab, 2, command, "drills", saying: "drills", "directory")
            }
            try Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 37) }).write(
                to: URL(fileURLWithPath: lab.project + "/drills/binary.yaml"))
            for command in ["run", "plan", "lint"] {
                try refused(lab, 2, command, "drills/binary.yaml", saying: "UTF-8")
            }
            try lab.write("", to: "drills/empty.yaml")
            try refused(lab, 2, "run", "drills/empty.yaml", saying: "drills/empty.yaml")
            try refused(lab, 2, "run", "/dev/null", saying: "/dev/null")
            try refused(lab, 2, "run", "runbooks/restart-redis.md", saying: "restart-redis.md")
            try refused(lab, 2, "run", saying: "drills")
            #expect(!lab.exists(lab.outcomes))
        }

        @Test func oneOddEntryDoesNotKeepTheOthersFromBeingChecked() throws {
            let lab = try Lab()
            try lab.shell(
                """
                rm -rf drills && mkdir -p drills/a.yaml empty && ln -s nowhere drills/b.yaml && mkfifo drills/c.yaml
                printf '\\377\\376' > drills/d.yaml && echo 'drill: x' > drills/e.yaml
                """)
            let answer = try lab.muster("lint", "drills")
            #expect(answer.code == 2 && answer.output.contains("3 files: "), "\(answer.all)")
            for file in ["b.yaml", "d.yaml", "e.yaml"] {
                #expect(answer.output.contains("drills/\(file)"), "\(answer.all)")
            }
            try refused(lab, 2, "lint", "empty", saying: "empty", "no drill")
        }

        @Test func aMistypedDrillIsShownWhereItIsWrong() throws {
            let lab = try Lab()
            try lab.write(
                ShortDrill.kill.replacing("process-kill", with: "proces-kill"), to: "drills/typo.yaml")
            try refused(
                lab, 2, "run", "drills/typo.yaml", saying: "drills/typo.yaml:", "proces-kill", "process-kill")
        }

        @Test(arguments: [
            ("ready: { http: \"http://", "ready: { http: \"http://me:PLANTED@"),
            ("health: { http: \"http://", "health: { http: \"http://me:PLANTED@"),
            ("writes: { http: \"http://", "writes: { http: \"http://me:PLANTED@"),
            ("health: { http: \"http://127.0.0.1", "health: { http: \"http://me:PLAN/TED@127.0.0.1"),
            ("health: { http:", "health: { password: PLANTED, http:"),
            // Broken besides, at the same place.
            ("writes: { http: \"http://", "writes: { redis: http://me:PLANTED@"),
            ("steady:", "vars: { unused: { default: \"redis://me:PLANTED@h\" } }\nsteady:"),
        ])
        func aPasswordInADrillIsNeitherShownNorStored(_ old: String, _ new: String) throws {
            let lab = try Lab()
            let planted = new.replacing("PLANTED", with: "s3cretw0rd").replacing("PLAN/TED", with: "s3/w0rd")
            try #require(ShortDrill.kill.contains(old))
            try lab.write(ShortDrill.kill.replacing(old, with: planted), to: "drills/planted.yaml")
            for command in [
                ["lint"], ["lint", "--json"], ["plan"], ["plan", "--json"], ["run"], ["run", "--json"],
            ] {
                let answer = try lab.start(command + ["drills/planted.yaml"]).end()
                #expect(answer.code == 2, "\(command): \(answer.all)")
                #expect(answer.all.contains("drills/planted.yaml"), "\(command): \(answer.all)")
                for word in ["s3cret", "w0rd"] { #expect(!answer.all.contains(word), "\(answer.all)") }
            }
            let given = try lab.muster(
                "plan", "drills/first-drill.yaml", "--var", "x=redis://me:s3cretw0rd@h")
            #expect(given.code == 2 && !given.all.contains("s3cret"), "\(given.all)")
            let found = try lab.shell("grep -rl -e s3cret -e w0rd .. --exclude-dir=drills || true")
            #expect(found.isEmpty, "\(found)")
        }

        @Test func variablesThatAreWrong() throws {
            let lab = try Lab()
            let drill = "drills/redis-kill.yaml"
            try refused(
                lab, 2, "plan", drill, "--var", "persistence", saying: "--var persistence", "name=value")
            try refused(lab, 2, "plan", drill, "--var", "=rdb", saying: "name=value")
            try refused(lab, 2, "plan", drill, "--var", "persistence=aof", saying: "aof", "aof-always")
            try refused(
                lab, 2, "plan", drill, "--var", "persistance=rdb", saying: "persistance", "persistence")
            try refused(
                lab, 2, "plan", drill, "--var", "persistence=rdb", "--var", "persistence=rdb", saying: "twice"
            )
            try refused(
                lab, 2, "run", "drills/first-drill.yaml", "--var", "x=1", saying: "--var x=1",
                "no such variable")
        }

        @Test func leasesThatAreNone() throws {
            let lab = try Lab()
            for lease in ["1ms", "5", "eternal", "11m", ""] {
                try refused(
                    lab, 2, "run", "drills/first-drill.yaml", "--lease", lease, saying: "lease", "200ms")
            }
        }

        @Test func commandLinesThatAreWrong() throws {
            let lab = try Lab()
            try refused(lab, 2, "rum", "drills/first-drill.yaml", saying: "rum")
            try refused(lab, 2, "run", "drills/first-drill.yaml", "--lese", "5s", saying: "--lese")
            try refused(lab, 2, "show", "one", saying: "one")
            try refused(lab, 2, "show", saying: "no store of outcomes")
            try refused(lab, 2, "verify", "--max-age", "90", saying: "--max-age")
            try refused(lab, 2, "undo", "--forget", "x", saying: "--reason")
        }

        /// Settings that no drill shows, such as those of libpq's environment.
        @Test func anInstrumentThatCannotWorkLeavesNoOutcome() throws {
            let lab = try Lab()
            let answer = try lab.muster(
                "run", "drills/postgres-crash.yaml", environment: ["PGSERVICE": "nowhere"])
            #expect(answer.code == 2 && answer.errors.contains("PGSERVICE"), "\(answer.all)")
            #expect(!answer.all.contains("bug") && !lab.exists(lab.outcomes), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aStoreOfANewerMusterIsLeftAlone() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let made = try Lab()
            try made.write(ShortDrill.kill, to: "drills/kill.yaml")
            #expect(try made.muster("run", "drills/kill.yaml").code == 0)
            // A store of ours, as a later version would have left it.
            try lab.shell(
                """
                sqlite3 '\(made.outcomes)' 'PRAGMA wal_checkpoint(TRUNCATE)' && cp '\(made.outcomes)' '\(lab.outcomes)'
                sqlite3 '\(lab.outcomes)' 'PRAGMA user_version = 9999' && cp '\(lab.outcomes)' ../before
                """)
            for command in [["run", "drills/kill.yaml"], ["outcomes"], ["show"], ["verify"], ["report"]] {
                try storeRefused(lab, command, saying: "version 9999")
            }
        }

        @Test func aStoreThatIsDamagedIsReportedAndNeverOverwritten() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            try lab.shell(
                "yes 'not a database' | head -c 65536 > '\(lab.outcomes)'; cp '\(lab.outcomes)' ../before")
            for command in [["run", "drills/kill.yaml"], ["outcomes"], ["show"], ["verify"], ["report"]] {
                try storeRefused(lab, command, saying: "outcomes.sqlite is")
            }
        }

        private func storeRefused(_ lab: Lab, _ arguments: [String], saying words: String) throws {
            let answer = try lab.start(arguments).end()
            #expect(answer.code == 2, "\(arguments): \(answer.all)")
            #expect(answer.errors.contains(words), "\(arguments): \(answer.all)")
            #expect(answer.errors.contains("left as it is"), "\(arguments): \(answer.all)")
            #expect(try lab.shell("cmp ../before '\(lab.outcomes)' && echo same") == "same")
            #expect(!lab.exists("runbooks/reports"))
            let gone = lab.eventually { lab.leftovers().isEmpty }
            #expect(gone != nil, "\(lab.leftoversInWords())")
        }

        @Test func aStateDirectoryThatOthersMayReadIsRefused() throws {
            let lab = try Lab()
            chmod(lab.state, 0o755)
            let answer = try lab.muster("run", "drills/first-drill.yaml")
            #expect(answer.code == 7, "\(answer.all)")
            #expect(answer.errors.contains("0700") && answer.errors.contains(lab.state), "\(answer.all)")
            #expect(!lab.exists(lab.outcomes))
            chmod(lab.state, 0o700)
        }
    }
}
