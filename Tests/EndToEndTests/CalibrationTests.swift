import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

extension EndToEndDrills {
    /// The short form of `muster calibrate`, for real. Coverage and exactness do not depend on how busy the machine is,
    /// and are required; widths do, and are only printed.
    @Suite struct Calibrating {
        private func calibrate(_ lab: Lab, _ arguments: String...) throws -> Lab.Answer {
            let all = ["calibrate", "--quick", "--json"] + arguments
            return try lab.start(all).end(within: .seconds(180))
        }

        private func expectTrue(_ answer: Lab.Answer) throws {
            try #require(answer.code == 0 || answer.code == 3, "\(answer.all)")
            let report = try answer.json()
            #expect(report["misses"]?.asList == [], "\(answer.all)")
            #expect(report["trials"]?.asInt ?? 0 > 0)
            #expect(report["covered"] == report["trials"])
            #expect(report["ledgers"]?.asInt ?? 0 > 0)
            #expect(report["ledgersExact"] == report["ledgers"])
            #expect(report["sabotages"]?.asInt ?? 0 > 0)
            #expect(report["sabotagesFlagged"] == report["sabotages"])
            print(
                "calibration: median width \(report["medianNanoseconds"] ?? .null) ns, widest "
                    + "\(report["maxNanoseconds"] ?? .null) ns, busy: \(report["isBusy"] ?? .null)")
        }

        @Test func theInstrumentTellsTheTruthAndItsRunsSaySo() throws {
            let lab = try Lab()
            #expect(try lab.muster("doctor").output.contains(CalibrationRecord.never))
            try expectTrue(try calibrate(lab))
            #expect(lab.leftovers().isEmpty, "\(lab.leftoversInWords())")
            #expect(try lab.muster("doctor").output.contains("instrument calibrated"))
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            _ = try lab.start(["run", "drills/kill.yaml"]).end(within: .seconds(90))
            let shown = try lab.muster("show").output
            #expect(shown.contains("instrument calibrated") && shown.contains("coverage 100 %"), "\(shown)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["calibration"]?["covered"]?.asInt == outcome["calibration"]?["trials"]?.asInt)
            let report = try lab.shell("cat runbooks/reports/*.md")
            #expect(report.contains("Instrument calibrated"))
        }

        @Test func brokenBoundsAreACoverageFailure() throws {
            let lab = try Lab()
            let answer = try calibrate(lab, "--trials", "10", "--distort-bounds", "2s")
            #expect(answer.code == 1, "\(answer.all)")
            let report = try answer.json()
            #expect(report["result"] == "fail")
            #expect(report["covered"]?.asInt ?? .max < report["trials"]?.asInt ?? 0)
            #expect(report["misses"]?.asList?.isEmpty == false)
            // What a test distorted is no calibration of this host.
            #expect(try lab.muster("doctor").output.contains(CalibrationRecord.never))
        }

        @Test(.enabled(if: geteuid() == 0)) func overANetworkNamespaceThatIsGoneAfterwards() throws {
            let lab = try Lab()
            let before = try lab.shell("ip netns list")
            let answer = try calibrate(lab, "--trials", "10", "--network")
            try expectTrue(answer)
            #expect(try answer.json()["place"] == "a network namespace of its own")
            let after = try lab.shell("ip netns list")
            #expect(!after.contains("muster-cal-") || before.contains("muster-cal-"), "\(after)")
        }

        @Test func endsCleanlyWithWhatItHas() throws {
            let lab = try Lab()
            // What was left by one that was killed, of a number that no process has (proc(5), pid_max).
            let left = "\(lab.directory)/muster-calibrate-99999999"
            let alive = "\(lab.directory)/muster-calibrate-\(getpid())"
            try lab.shell("mkdir '\(left)' '\(alive)' && touch '\(left)/ledger'")
            let running = try lab.start(
                ["calibrate", "--trials", "100000", "--json"], environment: ["TMPDIR": lab.directory])
            let begun = lab.eventually(within: .seconds(20)) { lab.leftovers().count >= 2 }
            try #require(begun != nil, "no instrument was started: \(running.said)")
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            #expect(try answer.json()["reason"] == "it was ended before it was done")
            #expect(lab.eventually { lab.leftovers().isEmpty } != nil, "\(lab.leftoversInWords())")
            #expect(!lab.exists(lab.outcomes), "half a calibration is none")
            #expect(!lab.exists(left) && lab.exists(alive))
            #expect(try lab.shell("ls -d '\(lab.directory)'/muster-calibrate-*") == alive)
        }

        @Test func badOptionsAreRefused() throws {
            let lab = try Lab()
            for arguments in [["--every", "10"], ["--trials", "0"], ["--every", "2s"]] {
                let answer = try lab.start(["calibrate"] + arguments).end()
                #expect(answer.code == 2 && answer.errors.contains("what to do"), "\(answer.all)")
            }
        }
    }
}
