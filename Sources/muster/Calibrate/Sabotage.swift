import Foundation
import MusterCalibration
import MusterCore
import MusterSystem

/// The ways in which the instrument itself is damaged while it measures. It must say so each time.
enum Sabotage: String, CaseIterable {
    /// Its process is suspended for 200 ms (SIGSTOP).
    case stop
    /// Its ledger's file takes no more bytes, as on a full disk (RLIMIT_FSIZE).
    case ledger
    /// Its wall clock is set by an hour, forwards or back; the machine's is left alone.
    case clock

    /// Those that this version's instrument is able to notice.
    static let tried: [Sabotage] = [.stop, .ledger]

    var words: String {
        switch self {
        case .stop: "its process stopped for 200 ms"
        case .ledger: "its ledger's disk full"
        case .clock: "its wall clock set by an hour"
        }
    }
}

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
        let before = time.monotonic()
        switch sabotage {
        case .stop:
            try instrument.child.kill(SIGSTOP)
            time.sleep(for: .milliseconds(200))
            try instrument.child.kill(SIGCONT)
            time.sleep(for: .milliseconds(300))
        case .ledger:
            try ResourceLimit.fileSize(of: instrument.child.pid, to: 0)
            try waitForTrouble()
        case .clock:
            let step = Duration.seconds(number.isMultiple(of: 2) ? 3600 : -3600)
            try instrument.order("stepClock", ["by": .int(step.nanoseconds)])
            try waitForTrouble()
        }
        // So that there is something to be judged of the time since.
        time.sleep(for: .milliseconds(200))
        try instrument.order("stopWriting")
        let stopped = time.monotonic()
        let judged = try instrument.order(
            "judge",
            [
                "until": .int(stopped.nanoseconds), "stable": .int(100_000_000),
                "faults": ["watched": .int(before.nanoseconds)],
            ])
        let troubles = try instrument.order("close")["troubles"]?.asList?.compactMap(\.asText) ?? []
        guard let signal = judged["signals"]?.asList?.first, let claim = TrialClaim(signal) else {
            throw CalibrationTrouble("the instrument said nothing of what it watched")
        }
        let report = server.report()
        let truth = TrialTruth(
            darkness: Darkness(.null, from: before), log: report.logs[0], stalls: report.stalls)
        // That it concludes nothing is no false alarm.
        let finding = claim.recovery == nil ? .unseen : truth.check(claim)
        return Result(said: troubles.first ?? said(of: sabotage, signal), finding: finding)
    }

    /// For five seconds at most: what it has not said by then it does not notice.
    private func waitForTrouble() throws {
        let deadline = time.monotonic() + .seconds(5)
        while time.monotonic() < deadline {
            if try instrument.order("status")["troubles"]?.asList?.isEmpty == false { return }
            time.sleep(for: .milliseconds(50))
        }
    }

    /// Where it raises no suspicion of its own.
    private func said(of sabotage: Sabotage, _ signal: Value) -> String? {
        if signal["status"]?.asText == RecoveryStatus.instrumentSuspect.rawValue { return "suspect" }
        // What it marks as not known counts neither as good nor as bad, and widens the bounds.
        guard sabotage == .stop, let unknown = signal["unknown"]?.asInt, unknown > 0 else { return nil }
        return "\(unknown) probes marked as not known"
    }
}
