import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// The instrument itself is sabotaged, or its disks are full.
    @Suite struct TroubleOfItsOwn {
        @Test func anEngineThatStoodStillSaysSo() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "3s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"])
            try running.waits(for: "'health' sees the first failure")
            try running.child.kill(SIGSTOP)
            lab.clock.sleep(for: .milliseconds(200))
            try running.child.kill(SIGCONT)
            let answer = try running.end()
            let outcome = try lab.newestOutcome()
            let late = outcome.events("instrument-suspect").filter { $0["detail"]?["trouble"] == "late" }
            let longest = late.compactMap { $0["detail"]?["lateness-max"]?.asInt }.max() ?? 0
            #expect(longest >= 140_000_000, "\(answer.all)\(outcome.texts("instrument-suspect"))")
            #expect(answer.output.contains("the instrument was late"), "\(answer.all)")
            // How busy the host was stands in the outcome, and in the report.
            let pressure = outcome.events("note").compactMap { $0["detail"]?["pressure"] }
            #expect(pressure.count == 1, "\(outcome.texts("note"))")
            #expect(try lab.read("runbooks/reports/1.md").contains("had to wait"))
            try lab.expectNothingLeft()
        }

        @Test(.enabled(if: getuid() == 0)) func aFullDiskUnderTheLedgerAbortsAndPutsBack() throws {
            let lab = try Lab()
            let disk = try SmallDisk(at: lab.state + "/ledgers")
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"])
            try running.waits(for: "'health' sees the first failure")
            let service = try lab.service()
            try disk.fill()
            // While the service is suspended nothing is acknowledged; in doubt is on record too.
            let answer = try running.end(within: .seconds(90))
            #expect(answer.code == 4, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["residue"] == [], "\(answer.all)")
            let reasons = outcome.texts("abort")
            #expect(
                reasons.contains { $0.contains("the ledger of 'writes' cannot be written") }, "\(reasons)")
            let told = outcome.texts("instrument-suspect").first { $0.contains("not durable any more") }
            #expect(told?.contains("Still valid: every probe's figures") == true, "\(answer.all)")
            #expect(!lab.isAlive(service))
            try lab.expectNothingLeft()
            try disk.remove()
        }

        @Test(.enabled(if: getuid() == 0)) func withoutRoomForTheJournalNothingBegins() throws {
            let lab = try Lab()
            mkdir(lab.directory + "/disk", 0o755)
            let disk = try SmallDisk(at: lab.directory + "/disk")
            mkdir(disk.path + "/state", 0o700)
            try disk.fill()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let refused = try lab.muster("run", "drills/kill.yaml", "--state", disk.path + "/state")
            #expect(refused.code == 7 && refused.errors.contains("make room there"), "\(refused.all)")
            #expect(!lab.exists("runbooks/outcomes.sqlite"))
            try disk.free()
            let answer = try lab.muster(
                "run", "drills/kill.yaml", "--state", disk.path + "/state", within: .seconds(90))
            #expect(answer.output.contains("everything was put back"), "\(answer.all)")
            try disk.remove()
        }

        /// - Parameter isFreed: whether there is room again before the run ends, as after the undo of a fault
        ///   that fills disks.
        @Test(.enabled(if: getuid() == 0), arguments: [true, false])
        func aFullDiskUnderTheOutcomesAbortsAndPutsBack(isFreed: Bool) throws {
            let lab = try Lab()
            mkdir(lab.directory + "/disk", 0o755)
            let disk = try SmallDisk(at: lab.directory + "/disk")
            let store = disk.path + "/outcomes.sqlite"
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml", "--outcomes", store])
            try running.waits(for: "'health' sees the first failure")
            try disk.fill()
            try running.waits(for: "the outcome cannot be recorded", within: .seconds(60))
            if isFreed { try disk.free() }
            let answer = try running.end(within: .seconds(90))
            #expect(answer.output.contains("Still valid: every figure that this run prints"), "\(answer.all)")
            if isFreed {
                #expect(answer.code == 4, "\(answer.all)")
                let outcome = try lab.json("show", "--outcomes", store)
                #expect(outcome["ending"] == "aborted" && outcome["residue"] == [], "\(answer.all)")
                // What could not be written at first was written afterwards.
                #expect(outcome.events("injected").count == 1 && !outcome.texts("abort").isEmpty)
            } else {
                #expect(answer.code == 4, "\(answer.all)")
                #expect(answer.output.contains("NOT RECORDED"), "\(answer.all)")
            }
            try lab.expectNothingLeft()
            try disk.remove()
        }
    }
}

/// A file system of 8 MiB of a test's own.
final class SmallDisk {
    let path: String
    private var isMounted = false

    init(at path: String) throws {
        self.path = path
        mkdir(path, 0o755)
        try Self.run("/bin/mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "muster-test", path)
        isMounted = true
    }

    deinit { try? remove() }

    /// Takes all room that is left.
    func fill() throws {
        let file = try Descriptor(opening: path + "/filler", O_WRONLY | O_CREAT | O_TRUNC)
        let block = [UInt8](repeating: 7, count: 4096)
        while Glibc.write(file.number, block, block.count) > 0 {}
        #expect(errno == ENOSPC)
    }

    func free() throws { unlink(path + "/filler") }

    func remove() throws {
        guard isMounted else { return }
        try Self.run("/bin/umount", "-l", path)
        isMounted = false
    }

    private static func run(_ arguments: String...) throws {
        let ending = try Spawn(arguments).start().wait(for: .seconds(20))
        if ending != .exited(0) { throw Failure(command: arguments) }
    }

    struct Failure: Error { var command: [String] }
}
