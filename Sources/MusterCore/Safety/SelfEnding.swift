/// A held fault that is over by itself after a time, whoever has died: what carries it (a proxy, the kernel) lifts it.
///
/// That is for the case that everybody died. In a drill it must not come before the lift: what comes back then did not
/// come back despite the fault, and not because of the lift either.
public protocol SelfEnding: Fault {
    /// How long after the injection, from 1 s to 48 h; nil where nobody said.
    var deadline: Duration? { get set }
}

extension SelfEnding {
    /// How long it lasts at most.
    public var lasts: Duration { deadline ?? .seconds(600) }
}

/// How deadlines of faults and the drills around them fit together.
public enum FaultDeadline {
    /// The most that one may be.
    public static let most = Duration.seconds(86_400 * 2)
    /// How much later than the lift it must come at least: lifting takes time, on a busy host most of all.
    public static let margin = Duration.seconds(10)
    /// How much later than the lift it comes where nobody said: an undo may take 3 min.
    private static let spare = Duration.seconds(300)

    /// What a form expects where a deadline is none.
    public static func problem(_ deadline: Duration) -> String? {
        (.seconds(1)...most) ~= deadline ? nil : "from 1s to 48h"
    }

    /// A deadline for a fault that has none.
    /// - Parameters:
    ///   - hold: how long it is held; nil: as long as the run lasts.
    ///   - bound: how long the run lasts at most.
    public static func fitting(hold: Duration?, bound: Duration) -> Duration {
        // Above the most, adding could overflow.
        min(most, min(most, hold ?? bound) + spare)
    }
}
