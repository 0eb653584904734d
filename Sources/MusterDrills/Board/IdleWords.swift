import MusterCore

/// What a board says of a game day while no drill runs.
public enum IdleWords {
    /// - Parameters:
    ///   - name: of the day, for commands.
    ///   - reason: why it ended early.
    ///   - isBlind: drills are not named, and neither are reasons that may name them.
    public static func lines(
        _ state: GameDayState, name: String, hasBegun: Bool, reason: String?, isBlind: Bool
    ) -> [String] {
        let why = isBlind ? "" : reason.map { ": \($0)" } ?? ""
        let now: String
        let next: String
        switch state {
        case .draft, .planned, .approved, .preflight:
            now = "The game day is \(state.rawValue), and no drill of it runs yet."
            next = "The board goes on by itself when it begins."
        case .goNoGo:
            now = "Everything is ready, and nobody has said go yet."
            next = "The board goes on with the first drill."
        case .running:
            now = hasBegun ? "Between two drills: nothing may be left broken." : "No drill has begun yet."
            next = "The board goes on with the next drill."
        case .recovering, .verifying:
            now = "No more drill is begun: everything is put back and looked at."
            next = "The hot wash comes next."
        case .hotwash:
            now = "The drills are over. Now people say what they saw."
            next = "muster gameday hotwash \(name)"
        case .aborted:
            now = "The game day ended early\(why). Now people say what they saw."
            next = "muster gameday hotwash \(name)"
        case .converted:
            now = "REAL INCIDENT: this is no drill any more. No drill runs; the timeline goes on."
            next = "When it is over: muster gameday hotwash \(name)"
        case .reported:
            now = "The hot wash is over."
            next = "The owner closes the day: muster gameday close \(name)"
        case .closed:
            now = "The game day is over."
            next = "muster gameday report \(name)"
        }
        return [now, next]
    }
}
