import MusterCalibration
import MusterCore
import MusterDrills
import MusterSystem

/// Outages of known size, batch by batch: each batch is one run of the instrument, with one probe for each trial.
struct DarkTrials {
    let server: DarkServer
    let instrument: Instrument
    let every: Duration
    let ledgers: String
    /// Moves what the instrument claims, to show that calibration can fail.
    let distortion: Duration
    private let time = SystemTimekeeper()

    init(
        server: DarkServer, instrument: Instrument, every: Duration, ledgers: String, distortion: Duration
    ) {
        self.server = server
        self.instrument = instrument
        self.every = every
        self.ledgers = ledgers
        self.distortion = distortion
    }

    struct Result {
        var plan: TrialPlan
        var finding: TrialFinding
    }

    /// How long it must stay good before it has recovered: long enough that half of the requests failing is not taken
    /// for it, nor what is up between two times of `flapping`.
    private var stable: Duration { max(every * 40, .milliseconds(400)) }

    /// - Returns: what came of each trial, and how late each probe was sent.
    /// - Throws: when the instrument cannot be asked.
    func run(_ batch: [TrialPlan]) throws -> (results: [Result], lags: [Duration]) {
        server.prepare(batch.map { Darkness(.null, from: time.monotonic(), seed: $0.seed) })
        try instrument.order(
            "open",
            [
                "every": .int(every.nanoseconds), "run": "calibration", "seed": 1, "ledgers": .text(ledgers),
                "probes": .list(zip(batch, server.ports).map { probe($0, port: $1) }),
            ])
        try instrument.order("start")
        try instrument.waitUntilSteady()
        // From here on everything is a function of the clock.
        let start = time.monotonic() + .milliseconds(50)
        let darknesses = batch.map { Darkness($0.mode, from: start + $0.delay, seed: $0.seed) }
        server.prepare(darknesses)
        let end =
            start + every * 10 + .milliseconds(1234) + max(stable, .milliseconds(700)) + .milliseconds(150)
        time.sleep(until: end)
        let answer = try instrument.order(
            "judge",
            [
                "until": .int(end.nanoseconds), "stable": .int(stable.nanoseconds),
                "faults": .map(
                    Dictionary(
                        uniqueKeysWithValues: zip(batch, darknesses).map { plan, darkness in
                            (name(plan), .int((darkness.began ?? start + plan.delay).nanoseconds))
                        })),
            ])
        try instrument.order("close")
        let report = server.report()
        var results: [Result] = []
        var lags: [Duration] = []
        for (index, plan) in batch.enumerated() {
            let claimed = answer["signals"]?.asList?.first { $0["name"]?.asText == name(plan) }
            guard let claimed, let claim = TrialClaim(claimed) else {
                throw CalibrationTrouble("the instrument said nothing of \(name(plan))")
            }
            lags += (claimed["lags"]?.asText ?? "").split(separator: " ").compactMap { Int64($0) }
                .map { .nanoseconds($0) }
            let truth = TrialTruth(
                darkness: darknesses[index], log: report.logs[index], stalls: report.stalls)
            results.append(Result(plan: plan, finding: truth.check(claim.shifted(by: distortion))))
        }
        return (results, lags)
    }

    private func name(_ plan: TrialPlan) -> String { "trial-\(plan.number)" }

    private func probe(_ plan: TrialPlan, port: UInt16) -> Value {
        [
            "name": .text(name(plan)), "kind": plan.mode == .port ? "tcp" : "http",
            "address": .text("\(server.address):\(port)"), "timeout": .int(plan.mode.patience.nanoseconds),
            "slow": plan.mode.slow.map { .int($0.nanoseconds) } ?? .null,
        ]
    }
}

extension TrialClaim {
    /// From what the instrument's process says.
    init?(_ value: Value) {
        guard let status = value["status"]?.asText.flatMap(RecoveryStatus.init(rawValue:)),
            let blind = value["blindSpot"]?.asInt
        else { return nil }
        self.init(
            status: status, recovery: value["rta"]?.asInterval, downtime: value["downtime"]?.asInterval,
            slowTotal: value["slow"]?.asInterval, blindSpot: .nanoseconds(blind))
    }
}
