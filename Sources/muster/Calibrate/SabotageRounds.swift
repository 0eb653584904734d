import Glibc
import MusterCalibration
import MusterCore
import MusterSystem

/// Rounds in which the instrument is damaged while it measures a server and a store that do nothing wrong.
struct SabotageRounds {
    let address: String
    let instrument: Instrument
    let every: Duration
    let ledgers: String
    private let time = SystemTimekeeper()

    init(address: String, instrument: Instrument, every: Duration, ledgers: String) {
        self.address = address
        self.instrument = instrument
        self.every = every
        self.ledgers = ledgers
    }

    struct Result {
        /// How the instrument said that something was wrong; nil when it did not.
        var said: String?
        /// What it claimed of a server on which nothing happened.
        var finding: TrialFinding
    }

    /// - Throws: when the round could not be carried out.
    func run(_ sabotage: Sabotage, number: Int, seed: UInt64) throws -> Result {
        let server = try DarkServer(address: address, lanes: 1)
        defer { server.stop() }
        let store = try ForgetfulStore(
            address: address, books: ForgetfulBooks(.nothing, writers: 8, seed: seed))
        defer { store.stop() }
        let folder = "\(ledgers)/sabotage-\(number)"
        try instrument.order(
            "open",
            [
                "every": .int(every.nanoseconds), "run": .text("sabotage\(number)"),
                "seed": .int(Int64(bitPattern: seed)), "ledgers": .text(folder),
                "probes": [
                    [
                        "name": "watched", "kind": "http", "address": .text("\(address):\(server.ports[0])"),
                        "timeout": .int(500_000_000),
                    ]
                ], "store": .text(store.url), "writers": 8,
            ])
        try instrument.order("start")
        try instrument.order("write")
        try instrument.waitUntilSteady()
        server.prepare([Darkness(.null, from: time.monotonic())])
        try Instrument.wait(orElse: "too few writes arrive") { store.written >= 50 }
        let damage = try inflict(sabotage, number: number)
        // So that there is something to be judged of the time since.
        time.sleep(for: .milliseconds(200))
        try instrument.order("stopWriting")
        let stopped = time.monotonic()
        let judged = try instrument.order(
            "judge",
            [
                "until": .int(stopped.nanoseconds), "stable": .int(100_000_000),
                "faults": ["watched": .int(damage.time.lower.nanoseconds)],
            ])
        let said = try troubles(in: instrument.order("close")).first { damage.isMeant(by: $0) }
        guard let signal = judged["signals"]?.asList?.first, let claim = TrialClaim(signal) else {
            throw CalibrationTrouble("the instrument said nothing of what it watched")
        }
        let report = server.report()
        let truth = TrialTruth(
            darkness: Darkness(.null, from: damage.time.lower), log: report.logs[0], stalls: report.stalls)
        // That it concludes nothing is no false alarm.
        let finding = claim.recovery == nil ? .unseen : truth.check(claim)
        return Result(said: said?.text, finding: finding)
    }

    private func inflict(_ sabotage: Sabotage, number: Int) throws -> Damage {
        let before = time.monotonic()
        var damage = Damage(sabotage, Bracket(before, before))
        switch sabotage {
        case .stop:
            try instrument.child.kill(SIGSTOP)
            time.sleep(for: Sabotage.pause)
            try instrument.child.kill(SIGCONT)
            damage.time = Bracket(before, time.monotonic())
        case .ledger: try ResourceLimit.fileSize(of: instrument.child.pid, to: 0)
        case .clock:
            damage.step = .seconds(number.isMultiple(of: 2) ? 3600 : -3600)
            try instrument.order("stepClock", ["by": .int(damage.step.nanoseconds)])
        }
        try waitUntilSaid(damage)
        return damage
    }

    /// For five seconds at most: what it has not said by then it does not notice.
    private func waitUntilSaid(_ damage: Damage) throws {
        let deadline = time.monotonic() + .seconds(5)
        while time.monotonic() < deadline {
            if try troubles(in: instrument.order("status")).contains(where: damage.isMeant) { return }
            time.sleep(for: .milliseconds(50))
        }
    }

    private func troubles(in answer: Value) throws -> [Complaint] {
        try (answer["troubles"]?.asList ?? []).map { try Complaint($0) }
    }
}
