public import MusterCore

/// The ways in which the instrument itself is damaged while it measures. It must say so each time.
public enum Sabotage: String, Sendable, CaseIterable {
    /// Its process is suspended for 200 ms (SIGSTOP).
    case stop
    /// Its ledger's file takes no more bytes, as on a full disk (RLIMIT_FSIZE).
    case ledger
    /// Its wall clock is set by an hour, forwards or back; the machine's is left alone.
    case clock

    public var words: String {
        switch self {
        case .stop: "process stopped for 200 ms"
        case .ledger: "ledger's disk full"
        case .clock: "wall clock set by an hour"
        }
    }

    /// For how long its process is suspended.
    public static let pause = Duration.milliseconds(200)
    /// The instrument looks at itself every 50 ms, whatever the interval between probes: this late at least, it must
    /// find itself after such a pause.
    static let leastLateness = pause - .milliseconds(50)
}

/// Something that the instrument says against itself.
public struct Complaint: Hashable, Sendable {
    public enum Kind: String, Sendable {
        /// Why nothing of it can be trusted.
        case suspicion
        /// A time in which it looked too late.
        case late
        /// Another time of which its samples count for nothing.
        case window
        /// The wall clock was set.
        case clockStep
        /// What it acknowledges is not durable any more.
        case ledger
    }

    public var kind: Kind
    public var text: String
    /// When; nil where that is not told.
    public var bracket: Bracket?
    /// How late it was, or by how much the clock was set.
    public var size: Duration

    public init(_ kind: Kind, _ text: String, _ bracket: Bracket? = nil, size: Duration = .zero) {
        self.kind = kind
        self.text = text
        self.bracket = bracket
        self.size = size
    }
}

/// One act of sabotage that was carried out.
public struct Damage: Hashable, Sendable {
    public var sabotage: Sabotage
    /// When it was done and, where it passes, undone.
    public var time: Bracket
    /// By how much the clock was set.
    public var step: Duration

    public init(_ sabotage: Sabotage, _ time: Bracket, step: Duration = .zero) {
        self.sabotage = sabotage
        self.time = time
        self.step = step
    }

    /// Whether the instrument means this by what it says: on a busy machine it has other troubles as well.
    public func isMeant(by trouble: Complaint) -> Bool {
        switch sabotage {
        case .stop:
            guard trouble.kind == .late, let bracket = trouble.bracket else { return false }
            return bracket.lower <= time.upper && bracket.upper >= time.lower
                && trouble.size >= Sabotage.leastLateness
        case .ledger: return trouble.kind == .ledger
        case .clock:
            // The machine's own clock may be slewed meanwhile.
            let rest = trouble.size - step
            return trouble.kind == .clockStep && rest < .seconds(1) && rest > .seconds(-1)
        }
    }
}
