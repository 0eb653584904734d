import MusterCore
import MusterDrills

extension SampleOutcomes {
    static let recovery = Interval(lower: .microseconds(1_229_800), upper: .microseconds(1_240_700))

    static var opening: [Event] {
        [
            event(.runStarted, 0, "drill begins"),
            event(.fixtureReady, 180, "redis answers on 127.0.0.1:6390", subject: "redis"),
            event(.steady, 3900, "steady for 2 s", subject: "ping"),
            event(.injecting, 3999, "asking the guard for process-kill", subject: "crash"),
            event(
                .injected, 4000, "SIGKILL to process 4711 (redis-server)", subject: "crash", actor: "guard",
                until: 4000.2),
            event(
                .effective, 4000.2, "process 4711 is gone", subject: "crash", actor: "guard", until: 4000.9),
        ]
    }

    static var healing: [Event] {
        [
            event(.firstFailure, 4000.02, "connection refused", subject: "ping", until: 4000.4),
            event(.firstSuccess, 5230, "answered again", subject: "ping", until: 5240.7),
            event(.stable, 10_241, "good for 5 s", subject: "ping"),
            event(.readBack, 11_000, "read back in 2 passes that agree", subject: "sessions"),
            event(.undone, 11_600, "every fact holds", subject: "crash", actor: "guard"),
            event(.runFinished, 11_900, "drill ends"),
        ]
    }

    static func outcome(
        _ header: RunHeader, _ judgement: Judgement?, events: [Event], signals: [Signal],
        injections: [InjectionRecord] = [injection], residue: [String] = [], runbooks: [RunbookRecord] = []
    ) -> Outcome {
        let exit: [Verdict: Int32] = [.pass: 0, .fail: 1, .inconclusive: 3, .error: 70]
        let closing = judgement.map {
            RunClosing(
                ending: .completed, judgement: $0, exitCode: residue.isEmpty ? exit[$0.verdict]! : 5,
                residue: residue, finishedAt: at(12_000), finishedAtUTC: startUTC + 12_000_000_000)
        }
        return Outcome(
            number: 7, header: header, closing: closing, events: events, signals: signals,
            injections: injections, runbooks: runbooks)
    }

    static var pass: Outcome {
        let judgement = Judgement(
            verdict: .pass, reason: "recovered 1.23 s to 1.241 s after the fault, and lost nothing",
            objectives: [
                objective("rto", "2s from fault", "1.23 s to 1.241 s", recovery, .met, "1.241 s ≤ 2 s"),
                objective("rpo", "0s", "0 lost, 0 corrupt", nil, .met, "nothing acknowledged is missing"),
            ],
            measurements: [
                Measurement(name: "rta", subject: "", interval: recovery),
                Measurement(
                    name: "downtime", subject: "ping",
                    interval: Interval(lower: .microseconds(1_229_600), upper: .microseconds(1_240_680))),
                Measurement(
                    name: "time-to-stable", subject: "ping", interval: Interval(lower: .zero, upper: .zero)),
            ],
            ledgers: [ledger(lost: 0)], status: .recovered,
            scope: ["the loss of the host or of its disk", "detection: the fixture restarts by itself"])
        var made = outcome(
            header("redis-kill"), judgement, events: opening + healing, signals: signals(back: 5230),
            runbooks: [
                RunbookRecord(
                    path: "runbooks/restart-redis.md", fileHash: "aa11", execHash: "bb22",
                    text: "# Restart Redis\n\n```sh {muster kind=command}\nmuster fixture start redis\n```\n")
            ])
        made.calibration = calibration
        return made
    }

    /// By an older build on the same kernel.
    private static let calibration = CalibrationRecord(
        host: "lab-1", kernel: header("redis-kill").kernel, toolVersion: "0.1.0", binaryHash: "older",
        finishedAtUTC: startUTC - 86_400_000_000_000, place: "loopback", seed: 7, every: .milliseconds(10),
        trials: 1000, covered: 1000, medianWidth: .microseconds(10_700), widest: .milliseconds(21),
        lagP50: .microseconds(80), lagP99: .microseconds(400), lagMax: .milliseconds(3), ledgers: 25,
        ledgersExact: 25, sabotages: 15, sabotagesFlagged: 15, result: .pass, reason: "every claim was true")

    static var failWithLosses: Outcome {
        let judgement = Judgement(
            verdict: .fail, reason: "63 acknowledged writes were lost; the oldest was 1.055 s old",
            objectives: [
                objective("rto", "2s from fault", "1.23 s to 1.241 s", recovery, .met, "1.241 s ≤ 2 s"),
                objective(
                    "rpo", "0s", "63 lost", ledger(lost: 63).rpa, .missed, "63 lost, where none may be"),
                objective("integrity", "strict", "0 duplicates", nil, .met, "nothing doubled or appeared"),
            ],
            measurements: [Measurement(name: "rta", subject: "", interval: recovery)],
            ledgers: [ledger(lost: 63)], status: .recovered,
            warnings: ["weak stability: stable is shorter than 30 s", "model wrong or system changed"],
            scope: ["the loss of the host"])
        var left = injection
        left.state = .unreachable
        left.via = "ssh ops@db1 sudo -n muster guard"
        left.host = "db1"
        return outcome(
            header("redis-kill"), judgement, events: opening + healing, signals: signals(back: 5230),
            injections: [left], residue: ["host db1 does not answer: muster undo --host db1"])
    }

    static var interrupted: Outcome {
        var open = injection
        open.state = .open
        open.undo = []
        return outcome(
            header("redis-kill"), nil, events: opening + [healing[0]],
            signals: signals(back: nil, until: 5000), injections: [open])
    }

    static var noOutage: Outcome {
        let judgement = Judgement(
            verdict: .inconclusive, reason: "no outage was seen; the probe may not depend on the target",
            objectives: [
                objective(
                    "rto", "2s from fault", "no outage", nil, .inconclusive,
                    "predict: { outage: none } was not declared")
            ], status: .noOutage, scope: ["recovery: nothing ever went down"])
        var held = opening
        held[4].bracket = Bracket(at(4000), at(4000.2))
        held.append(event(.lifted, 9000, "lifted after 5 s", subject: "crash", actor: "guard", until: 9000.3))
        return outcome(
            header("pause", expect: nil), judgement, events: held, signals: [probe("ping", back: 4000)])
    }

    /// Names and output that would like to be markup.
    static var hostile: Outcome {
        let nasty =
            "</style><script>alert(1)</script> | [x](javascript:y) `a` *b* _c_ \u{202E}txt\u{1B}[31m\n# head"
        var header = header("evil", expect: nasty)
        header.drill = nasty
        header.service = nasty
        header.id = "x' onload='y"
        header.drillText = "```\n\(nasty)\n````\n"
        header.variables = [nasty: nasty]
        let judgement = Judgement(
            verdict: .error, reason: nasty,
            objectives: [objective(nasty, nasty, nasty, nil, .inconclusive, nasty)],
            measurements: [Measurement(name: nasty, subject: nasty, interval: recovery)],
            ledgers: [LedgerFindings(workload: nasty)], status: .invalid, warnings: [nasty], scope: [nasty])
        var record = injection
        record.name = nasty
        record.target = .text(nasty)
        record.undo = [nasty]
        return outcome(
            header, judgement, events: [event(.injected, 5, nasty, subject: nasty, actor: nasty)],
            signals: [Signal(name: nasty, every: .milliseconds(20), samples: probe("p", back: 5000).samples)],
            injections: [record], residue: [nasty])
    }
}
