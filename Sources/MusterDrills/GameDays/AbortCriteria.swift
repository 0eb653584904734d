public import MusterCore

extension GameDay {
    /// What ends the day early. Somebody's word always does.
    public struct AbortCriteria: Hashable, Sendable {
        /// The longest that any drill may take, whatever its own `abort.after` allows.
        public var drillLongerThan: Duration?
        /// The longest that anything may stay broken, from the injection until it is put back.
        public var faultLongerThan: Duration?
        /// Something is still broken after a drill.
        public var onResidue = true
        /// So many drills did not pass; nil: any number.
        public var failures: Int?
        /// The window of the day ends.
        public var atEnd = true
        /// The share of a service's error budget that the drills of the day may spend together; nil: any. The budget
        /// is what the service's `availability` leaves it to be down.
        public var errorBudget: Percentage?
        public var latency: LatencyLimit?
        public var heartbeat: Heartbeat?
        public init() {}

        /// Whether somebody must look at what the probes of a drill see.
        public var watchesDrills: Bool { errorBudget != nil || latency != nil || faultLongerThan != nil }

        /// The word of `abort:` by which a day was ended, as it is on record.
        public enum Criterion: String, Sendable, CaseIterable {
            case drillLongerThan, faultLongerThan, onResidue, failures, atEnd, errorBudget, latency, heartbeat
            /// A drill aborted itself, by its own criteria.
            case drillAborted
            /// Somebody said so, at this terminal or another one.
            case manual
            /// What was approved is no longer what is there.
            case edited
            /// The system did not settle between two drills.
            case settle
        }
    }

    /// How slow answers may become, as customers see them, over some time. What was not answered counts against the
    /// error budget instead: a crash is no latency.
    public struct LatencyLimit: Hashable, Sendable {
        public var quantile: Percentage
        /// From when a sample was due.
        public var max: Duration
        public var window: Duration

        public init(
            quantile: Percentage = Percentage(millionths: 990_000), max: Duration, window: Duration
        ) {
            self.quantile = quantile
            self.max = max
            self.window = window
        }
    }

    /// A dead man's switch: whoever holds one of the roles must give a sign of life as often as this, or the day ends.
    public struct Heartbeat: Hashable, Sendable {
        public var every: Duration
        public var from: [GameDayRole]

        public init(every: Duration, from: [GameDayRole] = [.safety]) {
            self.every = every
            self.from = from
        }
    }
}
