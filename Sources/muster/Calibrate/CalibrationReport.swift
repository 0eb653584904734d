import MusterCalibration
import MusterCore
import MusterDrills

/// Everything that a calibration found.
struct CalibrationReport {
    var every: Duration
    var place: String
    var seed: UInt64
    var modes: [ModeFigures] = DarkMode.allCases.map { ModeFigures($0) }
    /// What was claimed and is not so, in words.
    var misses: [String] = []
    /// Trials that prove nothing, because the server itself stood still.
    var disturbed = 0
    var lags: [Duration] = []
    var witness = Quantiles([])
    var ledgers = 0
    var ledgersExact = 0
    var sabotages: [Sabotage: (done: Int, flagged: Int, said: String)] = [:]
    var wasCancelled = false

    init(every: Duration, place: String, seed: UInt64) {
        self.every = every
        self.place = place
        self.seed = seed
    }

    mutating func add(_ finding: TrialFinding, of plan: TrialPlan) {
        if let index = modes.firstIndex(where: { $0.mode == plan.mode }) { modes[index].add(finding) }
        if case .missed(let why) = finding {
            misses.append("trial \(plan.number), \(plan.mode.rawValue): \(why)")
        }
    }

    mutating func add(ledger differences: [String], isNull: Bool) {
        ledgers += 1
        if differences.isEmpty { ledgersExact += 1 }
        misses += differences.map { (isNull ? "ledger of the null drill: " : "ledger: ") + $0 }
    }

    /// - Parameters:
    ///   - said: how the instrument said that something was wrong with it; nil when it did not.
    ///   - finding: what it claimed meanwhile of a server on which nothing happened.
    mutating func add(_ sabotage: Sabotage, said: String?, _ finding: TrialFinding) {
        if case .missed(let why) = finding { misses.append("instrument with its \(sabotage.words): \(why)") }
        var entry = sabotages[sabotage] ?? (0, 0, "")
        entry.done += 1
        if let said {
            entry.flagged += 1
            // What it means for figures is no news here.
            entry.said = String(said.prefix { $0 != ":" && $0 != "," })
        } else {
            misses.append("\(sabotage.words): the instrument did not notice")
        }
        sabotages[sabotage] = entry
    }

    var trials: Int { modes.reduce(0) { $0 + $1.trials } }
    var covered: Int { modes.reduce(0) { $0 + $1.covered + $1.unseen } }
    var sabotagesDone: Int { sabotages.values.reduce(0) { $0 + $1.done } }
    var sabotagesFlagged: Int { sabotages.values.reduce(0) { $0 + $1.flagged } }

    /// Of all recoveries whose bounds are as wide as the grid of probes.
    var widths: ModeFigures {
        var all = ModeFigures(.reset)
        for figures in modes where figures.mode.inherentWidth == .zero {
            all.widths += figures.widths
            all.openEnded += figures.openEnded
        }
        all.widths.sort()
        return all
    }

    var isBusy: Bool { witness.value(0.99) > LoadWitness.limit }

    /// Claims that are not so are never excused. Widths depend on the machine, and a busy one cannot tell them.
    var result: (result: CalibrationRecord.Result, reason: String) {
        if !misses.isEmpty {
            let more = misses.count > 1 ? ", and \(misses.count - 1) more" : ""
            return (.fail, misses[0] + more)
        }
        if wasCancelled { return (.inconclusive, "it was ended before it was done") }
        if trials == 0 || disturbed * 20 > trials {
            return (.inconclusive, "the liars stood still in \(disturbed) of \(trials + disturbed) trials")
        }
        let bar = CalibrationBar(every: every)
        guard let over = modes.first(where: { !bar.isKept(by: $0) }) else {
            return (.pass, "every claim was true, and the bounds are as narrow as they must be")
        }
        let width =
            "'\(over.mode.rawValue)': median \(Self.words(over.median)), allowed "
            + "\(bar.median(of: over.mode).forPeople); widest \(Self.words(over.widest)), allowed "
            + bar.widest(of: over.mode).forPeople
        if isBusy {
            return (.inconclusive, "the machine was too busy to tell how narrow bounds are (\(width))")
        }
        return (.fail, "bounds are too wide (\(width))")
    }

    private static func words(_ width: Duration?) -> String { width?.forPeople ?? "not closed" }

    /// What is kept of it.
    func record(host: String, kernel: String, binaryHash: String, utc: Int64) -> CalibrationRecord {
        let lag = Quantiles(lags)
        let (result, reason) = self.result
        return CalibrationRecord(
            host: host, kernel: kernel, toolVersion: toolVersion, binaryHash: binaryHash, finishedAtUTC: utc,
            place: place, seed: seed, every: every, trials: trials, covered: covered,
            medianWidth: widths.median, widest: widths.widest, lagP50: lag.value(0.5),
            lagP99: lag.value(0.99), lagMax: lag.value(1), ledgers: ledgers, ledgersExact: ledgersExact,
            sabotages: sabotagesDone, sabotagesFlagged: sabotagesFlagged, result: result, reason: reason)
    }
}
