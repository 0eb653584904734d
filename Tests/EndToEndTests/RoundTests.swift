import Foundation
import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Rounds in which engine, guard, hands, warden or several of them are killed or stopped at a random moment
    /// of a short drill with the real programs. `MUSTER_KILL_ROUNDS` says how many, `MUSTER_KILL_SEED` which.
    @Suite struct Rounds {
        @Test(.timeLimit(.minutes(30))) func nothingIsLeftWhoeverDiesWhenever() throws {
            let environment = ProcessInfo.processInfo.environment
            let rounds = environment["MUSTER_KILL_ROUNDS"].flatMap { Int($0) } ?? 30
            let seed =
                environment["MUSTER_KILL_SEED"].flatMap { UInt64($0) }
                ?? UInt64(SystemTimekeeper().utcNanoseconds())
            print("end-to-end kill rounds: \(rounds), MUSTER_KILL_SEED=\(seed)")
            var random = SplitMix64(seed: seed)
            var injected = 0
            for number in 1...max(1, rounds) {
                let round = Round(number, &random)
                injected += try round.run() ? 1 : 0
            }
            print("end-to-end kill rounds: \(injected) of \(rounds) had injected something")
            #expect(injected > 0 || rounds < 6, "rounds that break nothing prove nothing")
        }
    }
}

/// One drill and the blow that it gets.
private struct Round {
    enum Victim: String, CaseIterable {
        case engine, `guard`, hands, warden
    }

    let number: Int
    let victims: [Victim]
    let signal: Int32
    let delay: Duration
    let kind: Kind

    enum Kind: String, CaseIterable {
        case pause
        case several = "crash loop and burn"
        case proxy = "slow proxy"
    }

    init(_ number: Int, _ random: inout SplitMix64) {
        self.number = number
        let count = Int.random(in: 1...4, using: &random)
        victims = Array(Victim.allCases.shuffled(using: &random).prefix(count))
        signal = Bool.random(using: &random) ? SIGKILL : SIGSTOP
        // Three of four fall about when faults are injected, held and lifted; the others on the way there.
        let early = Int.random(in: 0..<4, using: &random) == 0
        delay = .milliseconds(Int.random(in: early ? 0...1700 : 1700...3300, using: &random))
        kind = Kind.allCases.randomElement(using: &random) ?? .pause
    }

    var comment: Comment {
        """
        round \(number): \(victims.map(\.rawValue)) by signal \(signal) after \(delay.forPeople) of a \
        \(kind.rawValue)
        """
    }

    /// - Returns: whether anything had been injected.
    func run() throws -> Bool {
        let lab = try Lab()
        let steps = """
              - parallel:
                - inject: process-kill
                  as: loop
                  into: kv
                  with: { every: 300ms }
                  for: 1500ms
                  recovery: after
                - inject: process-pause
                  as: other
                  into: idle
                  for: 1500ms
                  recovery: after
            """
        let several = ShortDrill.make("short-several", steps: steps).replacing(
            "targets: { kv: { fixture: kv } }",
            with: """
                  idle: { run: [/bin/sleep, "600"], restart: never }
                targets: { kv: { fixture: kv }, idle: { fixture: idle } }
                """)
        let drill =
            switch kind {
            case .pause: ShortDrill.pause(for: "1500ms")
            case .several: several
            case .proxy: ShortDrill.throughProxy
            }
        try lab.write(drill, to: "drills/round.yaml")
        let running = try lab.start(["run", "drills/round.yaml", "--lease", "400ms"])
        try #require(lab.eventually { lab.child(of: running.pid, named: "guard") != nil } != nil, comment)
        let start = lab.clock.monotonic()
        lab.clock.sleep(until: start + delay)
        strike(running, lab)
        // What can still end does: aborted, or by itself when the blow came too late.
        if !(victims.contains(.engine)) {
            _ = try running.end(within: .seconds(45))
        }
        let undo = try lab.muster("undo", within: .seconds(90))
        #expect(undo.code == 0, "\(comment) — undo said: \(undo.all)")
        // A stopped engine holds nothing; it goes on, finds out, and ends.
        if victims.contains(.engine), signal == SIGSTOP {
            try running.child.kill(SIGCONT)
            let answer = try running.end(within: .seconds(45))
            #expect(answer.code != nil, "\(comment): \(answer.all)")
        }
        let again = try lab.muster("undo")
        #expect(
            again.code == 0 && again.output.contains("nothing was open"), "\(comment) — again: \(again.all)")
        try lab.expectNothingLeft(comment)
        let outcome = try lab.exists(lab.outcomes) ? lab.json("outcomes").at(0) : nil
        if let outcome {
            let isTold = outcome["ending"] != "running"
            #expect(isTold, "\(comment): \(outcome.canonicalJSON)")
        }
        return running.said.contains(" hit '")
    }

    private func strike(_ running: Running, _ lab: Lab) {
        let guardProcess = lab.child(of: running.pid, named: "guard")
        let pids = victims.map { victim -> Int32? in
            switch victim {
            case .engine: running.pid
            case .guard: guardProcess
            case .hands: guardProcess.flatMap { lab.child(of: $0, named: "hands") }
            case .warden: guardProcess.flatMap { lab.child(of: $0, named: "warden") }
            }
        }
        for pid in pids { if let pid { kill(pid, signal) } }
    }
}
