import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

/// Rounds in which engine, guard, hands, warden or several of them are killed or stopped at a random moment of
/// a session that breaks something of every kind. `MUSTER_KILL_ROUNDS` says how many, `MUSTER_KILL_SEED` which.
@Suite(.serialized) struct KillRoundTests {
    @Test(.timeLimit(.minutes(20))) func nothingIsLeftWhoeverDiesWhenever() throws {
        let rounds = environment("MUSTER_KILL_ROUNDS").flatMap { Int($0) } ?? 30
        let given = environment("MUSTER_KILL_SEED").flatMap { UInt64($0) }
        let seed = given ?? UInt64(SystemTimekeeper().utcNanoseconds())
        print("kill rounds: \(rounds), MUSTER_KILL_SEED=\(seed)")
        var random = SplitMix64(seed: seed)
        var injected = 0
        for number in 1...max(1, rounds) {
            let round = try KillRound(number, &random)
            injected += try round.run(&random)
        }
        print("kill rounds: \(injected) injections were made")
        #expect(injected > 0, "rounds that break nothing prove nothing")
    }
}

/// One session with its end.
private struct KillRound {
    enum Victim: String, CaseIterable {
        case engine, `guard`, hands, warden
    }

    let number: Int
    let bench: Bench
    let victims: [Victim]
    let signal: Int32
    let delay: Duration
    let sleeper: Child
    let data: String
    let contents: [UInt8]

    init(_ number: Int, _ random: inout SplitMix64) throws {
        self.number = number
        bench = try Bench()
        let count = Int.random(in: 1...4, using: &random)
        victims = Array(Victim.allCases.shuffled(using: &random).prefix(count))
        signal = Bool.random(using: &random) ? SIGKILL : SIGSTOP
        delay = .milliseconds(Int.random(in: 0...350, using: &random))
        sleeper = try bench.sleeper()
        data = bench.directory + "/data"
        contents = (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Descriptor(opening: data, O_WRONLY | O_CREAT, mode: 0o644).write(contents)
        if geteuid() == 0 {
            system(
                """
                cd \(bench.directory) && truncate -s 16M disk.img && mkfs.ext4 -q disk.img && mkdir mount && \
                mount -o loop disk.img mount
                """)
        }
    }

    /// - Returns: how many injections were made before the end came.
    func run(_ random: inout SplitMix64) throws -> Int {
        let comment: Comment =
            "round \(number): \(victims.map(\.rawValue)) by signal \(signal) after \(delay.forPeople)"
        let session = try bench.start(lease: .milliseconds(400))
        let start = bench.clock.monotonic()
        let done = Box<Bool>()
        let made = Box<Int>()
        let wishes = try wishes(session.client.hello.tag).shuffled(using: &random)
        let client = session.client
        try startThread(name: "engine") {
            for wish in wishes where (try? client.inject(wish, deadline: .seconds(10))) != nil { made.add(1) }
            done.add(true)
        }
        let hands = session.child("hands")
        let warden = session.child("warden")
        bench.clock.sleep(until: start + delay)
        for victim in victims {
            switch victim {
            case .engine: if signal == SIGKILL { session.cut() } else { session.stopRenewing() }
            case .guard: try session.process.kill(signal)
            case .hands: if let hands { kill(hands, signal) }
            case .warden: if let warden { kill(warden, signal) }
            }
        }
        // An engine whose guard was lost ends; one that was not says goodbye or dies too.
        bench.eventually(within: .seconds(5)) { !done.all.isEmpty }
        session.cut()
        let undo = try bench.run(["undo", "--deadline", "60s"])
        #expect(undo.code == 0, "\(comment) — undo said: \(undo.output)")
        #expect(!isStopped(sleeper), comment)
        #expect(try readBytes(data) == contents, comment)
        #expect(
            bench.eventually { bench.leftovers().isEmpty } != nil,
            "\(comment) — left: \(bench.leftoversInWords())")
        #expect(access(bench.directory + "/commanded", F_OK) != 0, comment)
        if geteuid() == 0 {
            #expect(try filler().isEmpty, comment)
        }
        try bench.expectNothingLeft(comment)
        return made.all.count
    }

    private func wishes(_ tag: String) throws -> [InjectionWish] {
        let flag = bench.directory + "/commanded"
        var wishes = [
            try bench.pause(sleeper, tag: tag),
            bench.wish(
                "cpu-burn", tag: tag, parameters: ["load": "10%", "cores": ["0"]], target: Target(.host)),
            bench.wish("file-corrupt", tag: tag, parameters: [:], target: Target(.path(data))),
            bench.wish(
                "command", tag: tag,
                parameters: [
                    "inject": ["/usr/bin/touch", .text(flag)],
                    "check": ["/usr/bin/test", "!", "-e", .text(flag)],
                    "restore": ["/bin/rm", "-f", .text(flag)],
                ], target: Target(.host)),
            bench.wish(
                "fixture", tag: tag,
                parameters: ["name": "f", "run": ["/bin/sleep", "888"], "restart": "50ms"],
                target: Target(.host)),
        ]
        if geteuid() == 0 {
            wishes.append(
                bench.wish(
                    "disk-fill", tag: tag, parameters: ["size": "4MiB"],
                    target: Target(.path(bench.directory + "/mount"))))
        }
        return wishes
    }

    private func readBytes(_ path: String) throws -> [UInt8] {
        try Descriptor(opening: path, O_RDONLY).readAll()
    }

    private func filler() throws -> [String] {
        guard let stream = opendir(bench.directory + "/mount") else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if ![".", "..", "lost+found"].contains(name) { names.append(name) }
        }
        return names
    }
}
