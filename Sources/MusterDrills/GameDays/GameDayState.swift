public import MusterCore

/// Where a game day stands. The order of the cases is the order in which a day that goes well goes through them.
public enum GameDayState: String, Sendable, CaseIterable {
    /// A file that nobody has found free of errors.
    case draft
    /// The file stands: it was checked, and fits its window.
    case planned
    /// Somebody allowed exactly these texts; an edit voids it.
    case approved
    /// Machines and people are asked whether all is ready.
    case preflight
    /// Nothing blocks; who may is asked for go or no go.
    case goNoGo = "go-no-go"
    /// Drills are under way.
    case running
    /// No drill is started any more; what is broken is put back.
    case recovering
    /// What must hold again is looked at.
    case verifying
    /// People say what they saw, while they remember it.
    case hotwash
    /// The hot wash is over, and the report can be made.
    case reported
    case closed
    /// It ended before its drills were all over.
    case aborted
    /// A real incident took its place.
    case converted = "converted-to-incident"

    /// Where it may go from here; nowhere from `closed`.
    public var next: Set<GameDayState> {
        switch self {
        case .draft: [.planned, .aborted]
        case .planned: [.approved, .aborted]
        case .approved: [.preflight, .planned, .aborted]
        case .preflight: [.goNoGo, .approved, .planned, .aborted]
        case .goNoGo: [.running, .preflight, .planned, .aborted, .converted]
        case .running: [.recovering, .converted]
        case .recovering: [.verifying, .converted]
        case .verifying: [.hotwash, .aborted, .converted]
        case .aborted, .converted: [.hotwash, .closed]
        case .hotwash: [.reported]
        case .reported: [.hotwash, .closed]
        case .closed: []
        }
    }

    /// Whether the day is being held: from the first look at the machines until people have said what they saw.
    /// Notes from any terminal belong to such a day.
    public var isUnderWay: Bool {
        switch self {
        case .preflight, .goNoGo, .running, .recovering, .verifying, .hotwash, .aborted, .converted: true
        case .draft, .planned, .approved, .reported, .closed: false
        }
    }

    /// Whether a fault may be in place, so that a process must look after the day.
    public var mayHoldFaults: Bool {
        switch self {
        case .running, .recovering, .verifying, .converted: true
        default: false
        }
    }

    /// - Throws: `GameDayRefusal` when the lifecycle has no such step.
    public func step(to next: GameDayState) throws(GameDayRefusal) {
        guard self.next.contains(next) else { throw .noSuchStep(from: self, to: next) }
    }
}

/// A clear no to something that was asked of a game day; nothing was changed.
public enum GameDayRefusal: Error, Hashable, Sendable {
    case noSuchStep(from: GameDayState, to: GameDayState)
    /// Another process changed the state first.
    case movedOn(expected: GameDayState, found: GameDayState)
    /// Another process carries the day out.
    case held(by: ProcessIdentity)
    case unknown(String)
    /// An entry of this number is to be corrected, and is not there.
    case noSuchEntry(Int)
}

extension GameDayRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noSuchStep(let from, let to):
            "a game day that is \(from.rawValue) cannot become \(to.rawValue)"
                + (from.next.isEmpty
                    ? "; it is over"
                    : "; from there it goes to "
                        + GameDayState.allCases.filter(from.next.contains).map(\.rawValue).joined(
                            separator: ", "))
        case .movedOn(let expected, let found):
            "the game day is \(found.rawValue) by now, and no longer \(expected.rawValue)"
        case .held(let holder): "process \(holder.pid) carries the game day out"
        case .unknown(let name): "there is no game day \(name)"
        case .noSuchEntry(let sequence): "the timeline has no entry \(sequence)"
        }
    }
}
