import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// Backups that are restored onto clean places: real tools, good backups and bad ones.
    @Suite(.serialized) struct Restores {
        private static func isThere(_ path: String) -> Bool { access(path, X_OK) == 0 }

        struct Shipped: CustomTestStringConvertible, Sendable {
            var drill: String
            var program: String
            /// The first words of a verdict on a backup that is empty, a day old, corrupted.
            var empty: String
            var corrupt: String
            var testDescription: String { drill }
            var isRunnable: Bool { Restores.isThere(program) }
        }

        static let shipped = [
            Shipped(
                drill: "restore-files", program: "/usr/bin/restic", empty: "the snapshot is empty",
                corrupt: "the backup could not be restored (stage fetch): "),
            Shipped(
                drill: "restore-sqlite", program: "/usr/bin/sqlite3", empty: "the backup is empty",
                corrupt: "the backup is corrupted"),
            Shipped(
                drill: "restore-postgres", program: "/usr/bin/psql", empty: "the backup is empty",
                corrupt: "the backup could not be restored (stage fetch): "),
        ]

        /// What they promise, from the plainest user that each can run as.
        @Test(arguments: shipped.filter(\.isRunnable)) func aGoodBackupBringsEverythingBack(
            _ shipped: Shipped
        )
            throws
        {
            let lab = try Lab(user: geteuid() == 0 && shipped.drill != "restore-postgres" ? 65_534 : nil)
            let answer = try lab.start(["run", "drills/\(shipped.drill).yaml"]).end(within: .seconds(280))
            let outcome = try lab.newestOutcome()
            #expect(result("restore", outcome) == "met", "\(answer.all)")
            #expect(result("datasets", outcome) == "met", "\(answer.all)")
            #expect(result("integrity", outcome) == "met", "\(answer.all)")
            #expect(answer.code == 0, "\(answer.all)")
            // Something was written after the backup, so something is lost: one that lost nothing restored nothing.
            let lost = outcome.at("ledgers", 0)?["lost"]?.asInt ?? 0
            #expect(lost > 0 && lost < outcome.at("ledgers", 0)?["acknowledged"]?.asInt ?? 0)
            let dataset = try #require(outcome.at("datasets", 0))
            #expect(dataset["explained"]?.asInt ?? 0 > 0, "no entry of the run's own was accounted for")
            let measured = (outcome["measurements"]?.asList ?? []).compactMap { $0["name"]?.asText }
            for stage in ["fetch", "restore", "verify", "total"] {
                #expect(measured.contains("restore-\(stage)"))
            }
            #expect(measured.contains("backup-age"))
            let over = try #require(outcome.events("restore-over").first?["detail"])
            #expect(over["sourceChanged"] == "" && over["source"]?.asMap?.isEmpty == false)
            // The runbook was over before its source was read again.
            #expect(measured.contains("source-read"))
            #expect(
                try lab.shell("cat runbooks/reports/*.md").contains(
                    "Before it began, Muster itself read what"))
            let kinds = (outcome["events"]?.asList ?? []).compactMap { $0["kind"]?.asText }
            let end = try #require(kinds.lastIndex(of: "restore-over"))
            #expect(Array(kinds[..<end].suffix(2)) == ["runbook-finished", "restore-read"], "\(kinds)")
            try lab.expectNothingLeft()
        }

        @Test(arguments: shipped.filter(\.isRunnable), ["empty", "stale", "corrupt"])
        func aBadBackupIsToldFirst(
            _ shipped: Shipped, _ backup: String
        ) throws {
            let lab = try Lab()
            let answer = try lab.start([
                "run", "drills/\(shipped.drill).yaml", "--var", "backup=\(backup)",
            ]).end(within: .seconds(280))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail", "\(answer.all)")
            #expect(result("restore", outcome) == "missed", "\(answer.all)")
            let words = ["empty": shipped.empty, "stale": "the backup is stale", "corrupt": shipped.corrupt]
            let wanted = try #require(words[backup])
            let report = try lab.shell("head -n 3 runbooks/reports/*.md")
            #expect(report.contains(wanted), "\(report)\n\(answer.all)")
            #expect(report.contains("FAIL") && answer.code == 1, "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test(.enabled(if: isThere("/usr/bin/psql"))) func aDroppedTableComesBackAsItWasJustBefore() throws {
            let lab = try Lab()
            let answer = try lab.start(["run", "drills/restore-postgres-table.yaml"]).end(
                within: .seconds(280))
            let outcome = try lab.newestOutcome()
            #expect(answer.code == 0, "\(answer.all)")
            #expect(
                result("restore", outcome) == "met" && result("datasets", outcome) == "met", "\(answer.all)")
            let captured = outcome.events("runbook-step").compactMap { $0["detail"]?["into"]?.asText }
            #expect(captured.contains("recovery_target"), "\(captured)")
            #expect(outcome.at("ledgers", 0)?["lost"]?.asInt ?? 0 > 0, "nothing shows where it stopped")
            try lab.expectNothingLeft()
        }

        struct Variant: CustomTestStringConvertible, Sendable {
            var drill: String
            var variable: String
            /// What the report says in its first three lines.
            var says: [String]
            /// What becomes of the backup itself.
            var restore = "met"
            var testDescription: String { "\(drill) \(variable)" }
        }

        /// Backups that are whole and young, and yet bring back less, or more, than was asked for.
        @Test(
            .enabled(if: isThere("/usr/bin/psql")),
            arguments: [
                Variant(
                    drill: "restore-postgres", variable: "archive=stopped",
                    says: ["lost of", "not within the 5 s allowed"]),
                Variant(
                    drill: "restore-postgres-table", variable: "before=3000",
                    says: ["lost of", "not within the 1 s allowed"]),
                Variant(
                    drill: "restore-postgres-table", variable: "before=-400",
                    says: ["all 20000 rows are gone"]),
                Variant(
                    drill: "restore-postgres-table", variable: "backup=stale", says: ["the backup is stale"],
                    restore: "missed"),
            ]) func whatAGoodBackupCannotMendIsToldFirst(_ variant: Variant) throws
        {
            let lab = try Lab()
            let answer = try lab.start([
                "run", "drills/\(variant.drill).yaml", "--var", variant.variable,
            ]).end(within: .seconds(400))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail" && answer.code == 1, "\(answer.all)")
            #expect(result("restore", outcome) == variant.restore, "\(answer.all)")
            let report = try lab.shell("head -n 3 runbooks/reports/*.md")
            for words in variant.says { #expect(report.contains(words), "\(report)\n\(answer.all)") }
            try lab.expectNothingLeft()
        }

        /// A target that is too late, or too early, is found by the writes around it.
        @Test(.enabled(if: isThere("/usr/bin/psql"))) func aRecoveryBeyondItsTargetFails() throws {
            let lab = try Lab()
            // It says one moment and recovers to another one, three seconds earlier.
            let path = "runbooks/restore-postgres-point-in-time.md"
            let honest = "recovery_target_time = '$recovery_target'"
            let runbook = try lab.read(path)
            #expect(runbook.contains(honest))
            let earlier =
                "recovery_target_time = '$(date -u -d \"$recovery_target 3 seconds ago\" '+%F %T+00')'"
            try lab.write(runbook.replacing(honest, with: earlier), to: path)
            let answer = try lab.start(["run", "drills/restore-postgres-table.yaml"]).end(
                within: .seconds(280))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail", "\(answer.all)")
            let report = try lab.shell("head -n 3 runbooks/reports/*.md")
            #expect(report.contains("the recovery stopped short of"), "\(report)\n\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aPlaceThatIsNotEmptyIsRefusedBeforeAnythingIsBroken() throws {
            let lab = try Lab()
            try lab.shell("mkdir \(lab.directory)/place && echo mine > \(lab.directory)/place/data")
            try plain(lab, into: "\(lab.directory)/place")
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            #expect(answer.code == 7, "\(answer.all)")
            #expect(answer.output.contains("it is not empty (1 entry, such as 'data')"), "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "error" && outcome.events("injecting").isEmpty)
            #expect(try lab.read("\(lab.directory)/place/data") == "mine\n")
            #expect(try lab.shell("head -n 3 runbooks/reports/*.md").contains("it is not empty"))
            try lab.expectNothingLeft()
        }

        /// Filled in the meantime, by the fault itself: it is refused again, and the runbook never begins.
        @Test func aPlaceThatIsFilledMeanwhileIsRefusedToo() throws {
            let lab = try Lab()
            try plain(lab, into: "\(lab.directory)/place", breaks: "mkdir -p \(lab.directory)/place/x; ")
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail" && result("restore", outcome) == "missed", "\(answer.all)")
            #expect(outcome.events("runbook-started").isEmpty)
            #expect(try lab.shell("head -n 3 runbooks/reports/*.md").contains("it is not empty"))
            try lab.expectNothingLeft()
        }

        /// Restored aside and moved over the live place: what it was nobody can tell, but it was not empty.
        @Test func aPlaceThatIsMovedAwayIsNoEmptyBackup() throws {
            let lab = try Lab()
            try plain(
                lab, into: "\(lab.directory)/place", restores: #"trap 'mv "$to" "$to.live"' EXIT; "#)
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            let outcome = try lab.newestOutcome()
            #expect(result("restore", outcome) == "inconclusive" && answer.code == 3, "\(answer.all)")
            #expect(
                try lab.shell("cat runbooks/reports/*.md").contains("it is not there at the end"),
                "\(answer.all)")
            #expect(try lab.read("\(lab.directory)/place.live/data") == "saved\n")
            try lab.expectNothingLeft()
        }

        @Test func aRestoreThatTouchesItsSourceFails() throws {
            let lab = try Lab()
            try plain(
                lab, into: "\(lab.directory)/place", restores: "echo more >> \(lab.directory)/backup/data; ")
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail" && result("restore", outcome) == "missed", "\(answer.all)")
            #expect(
                try lab.shell("head -n 3 runbooks/reports/*.md").contains(
                    "the restore touched the backup that it restored from"), "\(answer.all)")
            let over = try #require(outcome.events("restore-over").first?["detail"])
            #expect(over["sourceAfter"]?.asMap?.count == 1 && over["sourceAfter"] != over["source"])
            try lab.expectNothingLeft()
        }

        /// The worst first: whoever tries again has less to restore from.
        @Test func aRestoreThatFailsAndHarmsItsSourceSaysTheHarmFirst() throws {
            let lab = try Lab()
            try plain(
                lab, into: "\(lab.directory)/place", restores: "rm \(lab.directory)/backup/data; exit 1; ")
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "fail" && result("restore", outcome) == "missed", "\(answer.all)")
            let report = try lab.shell("head -n 3 runbooks/reports/*.md")
            let harm = try #require(
                report.range(of: "Failed: the restore touched the backup that it restored from"), "\(report)")
            let failure = try #require(report.range(of: "the backup could not be restored (stage restore)"))
            #expect(harm.upperBound < failure.lowerBound, "\(report)")
            try lab.expectNothingLeft()
        }

        /// Neither by a link, nor before somebody who may not look: nothing is broken for it.
        @Test(arguments: ["link", "closed"]) func aPlaceThatCannotBeTrustedIsRefused(_ trouble: String) throws
        {
            let isLink = trouble == "link"
            let lab = try Lab(user: !isLink && geteuid() == 0 ? 65_534 : nil)
            let place = lab.directory + (isLink ? "/real/new" : "/place")
            try lab.shell("mkdir \(lab.directory)/real && ln -s real \(lab.directory)/backup")
            if !isLink { mkdir(place, geteuid() == 0 ? 0o700 : 0o300) }
            try plain(lab, into: place)
            let answer = try lab.start(["run", "drills/plain.yaml"]).end(within: .seconds(90))
            #expect(answer.code == 7, "\(answer.all)")
            let words =
                isLink
                ? "it lies in the backup \(lab.directory)/backup, which would be restored over itself"
                : "whether it is empty cannot be told: Permission denied"
            #expect(answer.output.contains(words), "\(answer.all)")
            #expect(try lab.newestOutcome().events("injecting").isEmpty)
            try lab.expectNothingLeft()
        }

        /// Killed at a random moment, engine or guard: nothing of the drill remains.
        @Test(.enabled(if: shipped.contains(where: \.isRunnable)), arguments: 0..<3)
        func killedAtARandomMomentNothingRemains(_ round: Int) throws {
            let all = Self.shipped.filter(\.isRunnable)
            let lab = try Lab()
            let running = try lab.start(["run", "drills/\(all[round % all.count].drill).yaml"])
            try running.waits(for: round == 0 ? "back-up" : "writes: ", within: .seconds(90))
            // The stimulus: which moment it was is said, so that it can be tried again.
            let delay = Duration.milliseconds(Int64.random(in: 0...9000))
            print("restore round \(round): killed after \(delay.forPeople)")
            lab.clock.sleep(for: delay)
            let victim = round == 1 ? try? running.guardProcess() : running.pid
            if let victim { kill(victim, SIGKILL) }
            if round != 1 { _ = try running.child.wait(for: .seconds(60)) }
            _ = try running.child.wait(for: .seconds(200))
            _ = try lab.muster("undo", within: .seconds(90))
            try lab.expectNothingLeft()
        }

        // MARK: A drill that restores with cp

        private func result(_ name: String, _ outcome: Value) -> String? {
            (outcome["objectives"]?.asList ?? []).first { $0["name"]?.asText == name }?["result"]?.asText
        }

        private func plain(
            _ lab: Lab, into place: String, breaks: String = "", restores: String = ""
        ) throws {
            let fence =
                #"{"name":"NAME","kind":"command","stage":"restore","timeout":"10s","rollback":"none"}"#
            try lab.write(
                """
                ---
                shell: bash
                muster: { id: plain, owner: me, vars: { from: { required: true }, to: { required: true }, live: { required: true } } }
                ---
                # Plain

                ## Copy

                ```sh \(fence.replacing("NAME", with: "copy"))
                \(restores)mkdir -p "$to" && cp -a "$from/." "$to" && cp -a "$from/data" "$live"
                ```
                """, to: "runbooks/plain.md")
            try lab.shell("mkdir -p \(lab.directory)/backup && echo saved > \(lab.directory)/backup/data")
            try lab.write(
                """
                format: 1
                drill: plain
                objectives: { rto: { max: 20s, from: declared } }
                fixtures: { live: { run: [bash, -c, "echo saved > ${scratch}/data; exec sleep infinity"], ready: { file: "${scratch}/data" } } }
                targets: { machine: { host: local, allow: [irreversible] } }
                probes: { data: { file: "${scratch}/data", every: 20ms } }
                steady: { for: 200ms }
                steps:
                  - inject: command
                    into: machine
                    with:
                      inject: [bash, -c, "\(breaks)rm ${scratch}/data"]
                      check: [test, -e, "${scratch}/data"]
                      restore: [bash, -c, "test -e ${scratch}/data || echo saved > ${scratch}/data"]
                      proof: [test, "!", -e, "${scratch}/data"]
                      lasting: false
                  - restore: plain.md
                    vars: { from: "\(lab.directory)/backup", to: "\(place)", live: "${scratch}/data" }
                    source: ["\(lab.directory)/backup"]
                    into: "\(place)"
                recovered: { stable: 1s, within: 25s }
                """, to: "drills/plain.yaml")
        }
    }
}
