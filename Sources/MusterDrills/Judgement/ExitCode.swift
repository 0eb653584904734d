import MusterCore

/// The one table of exit codes; the highest harm wins (REPORTS, 4.3).
public enum ExitCode: Int32, Sendable, CaseIterable {
    /// Every objective was met.
    case pass = 0
    /// An objective was missed.
    case objectiveMissed = 1
    /// The command, the drill or a setting is wrong; nothing was touched.
    case usage = 2
    /// Nothing could be concluded.
    case inconclusive = 3
    /// Aborted; everything was put back.
    case aborted = 4
    /// Something is still broken, or the recovery is incomplete.
    case residue = 5
    /// `verify` only: something failed, is inconclusive, stale, drifted or was never drilled.
    case notVerified = 6
    /// Refused: blackout, lock, approval or preflight.
    case refused = 7
    /// The program itself is at fault.
    case internalError = 70

    /// From the greatest harm to none.
    public static let byHarm: [ExitCode] = [
        .residue, .internalError, .objectiveMissed, .aborted, .inconclusive, .refused, .notVerified, .usage,
        .pass,
    ]

    /// One sentence for `--help` and the documentation.
    public var sentence: String {
        switch self {
        case .pass: "Every objective was met."
        case .objectiveMissed: "An objective was missed."
        case .usage: "The command line, the drill or a setting is wrong; nothing was touched."
        case .inconclusive: "Nothing could be concluded."
        case .aborted: "The run was aborted, and everything was put back."
        case .residue: "Something is still broken, or the recovery is incomplete: run `muster undo`."
        case .notVerified: "verify: something failed, is inconclusive, stale, drifted or was never drilled."
        case .refused: "Refused by a blackout, a lock, a missing approval or the preflight."
        case .internalError: "Muster itself is at fault."
        }
    }

    /// The code that stands for several results at once.
    public static func worst(_ codes: some Sequence<ExitCode>) -> ExitCode {
        let codes = Set(codes)
        return byHarm.first { codes.contains($0) } ?? .pass
    }

    /// - Parameter hasResidue: whether any fact did not hold after undo, any injection is not known to be
    ///   closed, or the steady state did not come back.
    public static func of(_ verdict: Verdict, _ ending: Ending, hasResidue: Bool) -> ExitCode {
        var codes: Set<ExitCode> = hasResidue ? [.residue] : []
        switch verdict {
        case .pass: codes.insert(.pass)
        case .fail: codes.insert(.objectiveMissed)
        case .inconclusive: codes.insert(.inconclusive)
        case .error: codes.insert(.internalError)
        }
        switch ending {
        case .completed: break
        case .aborted, .interrupted: codes.insert(.aborted)
        }
        return worst(codes)
    }
}
