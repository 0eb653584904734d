import MusterCore
import MusterDrills

extension GameDayHolding {
    /// Why no drill of the day is begun any more.
    struct Stop {
        enum Kind: String {
            /// A drill did not pass, and the plan says that this is enough.
            case failed
            case aborted, converted
        }
        var kind: Kind
        var reason: String
        /// For the entry that says so.
        var detail: Value = .null

        static func failed(_ reason: String) -> Self { Stop(kind: .failed, reason: reason) }
        static func converted(_ reason: String) -> Self { Stop(kind: .converted, reason: reason) }
        static func aborted(_ criterion: GameDay.AbortCriteria.Criterion, _ reason: String) -> Self {
            Stop(kind: .aborted, reason: reason, detail: ["criterion": .text(criterion.rawValue)])
        }
        /// Over the limit of one of the criteria that are looked at all the time.
        static func aborted(_ standing: CriterionStanding, _ breach: String) -> Self {
            Stop(kind: .aborted, reason: breach, detail: standing.detail)
        }
    }
}
