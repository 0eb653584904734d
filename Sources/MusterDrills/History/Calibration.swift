import MusterCore

/// What `muster calibrate` found on one host: how well the instrument measured outages and losses of known size.
public struct CalibrationRecord: Hashable, Sendable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        case pass, fail
        /// What it claimed was true, and the machine too busy to tell how wide its bounds must be.
        case inconclusive
    }

    public var host: String
    public var kernel: String
    public var toolVersion: String
    /// SHA-256 of the muster binary.
    public var binaryHash: String
    public var finishedAtUTC: Int64
    /// Between the instrument and what it measured: `loopback`, `network namespace`, …
    public var place: String
    /// Repeats the plan of the trials.
    public var seed: UInt64
    /// The interval between probes.
    public var every: Duration
    /// Outages whose truth is known, and of them those in whose measured bounds the truth lay.
    public var trials: Int
    public var covered: Int
    /// Of recovery times; nil where none was measured, or where it has no upper end.
    public var medianWidth: Duration?
    public var widest: Duration?
    /// From due to sent.
    public var lagP50: Duration
    public var lagP99: Duration
    public var lagMax: Duration
    /// Ledgers of a store that forgot, and of them those that found exactly what was forgotten.
    public var ledgers: Int
    public var ledgersExact: Int
    /// Times the instrument was damaged, and of them those in which it said so.
    public var sabotages: Int
    public var sabotagesFlagged: Int
    public var result: Result
    /// Why, in a sentence.
    public var reason: String

    public init(
        host: String, kernel: String, toolVersion: String, binaryHash: String, finishedAtUTC: Int64,
        place: String, seed: UInt64, every: Duration, trials: Int, covered: Int, medianWidth: Duration?,
        widest: Duration?, lagP50: Duration, lagP99: Duration, lagMax: Duration, ledgers: Int,
        ledgersExact: Int, sabotages: Int, sabotagesFlagged: Int, result: Result, reason: String
    ) {
        self.host = host
        self.kernel = kernel
        self.toolVersion = toolVersion
        self.binaryHash = binaryHash
        self.finishedAtUTC = finishedAtUTC
        self.place = place
        self.seed = seed
        self.every = every
        self.trials = trials
        self.covered = covered
        self.medianWidth = medianWidth
        self.widest = widest
        self.lagP50 = lagP50
        self.lagP99 = lagP99
        self.lagMax = lagMax
        self.ledgers = ledgers
        self.ledgersExact = ledgersExact
        self.sabotages = sabotages
        self.sabotagesFlagged = sabotagesFlagged
        self.result = result
        self.reason = reason
    }

    /// `100 %`, `99.9 %`, `99.5 %`: as few digits as are true, and never more than was measured.
    public var coverageText: String {
        guard trials > 0 else { return "unknown" }
        if covered == trials { return "100 %" }
        // Rounded down: whoever missed one in ten million has not covered all.
        return Percentage(millionths: Int64(covered) * 1_000_000 / Int64(trials)).forPeople
    }

    /// One line for people.
    public var sentence: String {
        var text = "instrument calibrated \(utcText(nanoseconds: finishedAtUTC).prefix(10)) on \(host): "
        text += "\(trials) \(trials == 1 ? "trial" : "trials"), coverage \(coverageText)"
        if let medianWidth { text += ", median width \(medianWidth.forPeople)" }
        text += " at \(every.forPeople) between probes"
        switch result {
        case .pass: break
        case .fail: text += "; it FAILED: \(reason)"
        case .inconclusive: text += "; \(reason)"
        }
        return text
    }

    /// What stands where there is no calibration.
    public static let never = "instrument never calibrated on this host: run muster calibrate"

    /// What has changed between a calibration and a run, in words; nil when nothing has.
    public func staleness(for run: RunHeader) -> String? {
        var changes: [String] = []
        if binaryHash != run.binaryHash { changes.append("another build of muster") }
        if kernel != run.kernel { changes.append("another kernel") }
        return changes.isEmpty ? nil : "calibrated with " + changes.joined(separator: " and ")
    }
}

extension Outcome {
    /// One line on the instrument's calibration, whether there is one or not.
    public var calibrationText: String {
        guard let calibration else { return CalibrationRecord.never }
        return calibration.sentence + (calibration.staleness(for: header).map { " (\($0))" } ?? "")
    }
}
