public import MusterCore

/// When, within the cycles of the system's own timers, the fault of one repeat strikes.
///
/// Drills that always break at the same moment after the start measure one moment of those cycles over and over.
/// So a repeat waits, after everything is steady, for a random time between zero and a window that is at least one
/// full cycle long.
public struct FaultPhase: Hashable, Sendable {
    /// By it the same waits come again.
    public var seed: Int64
    /// What the waits are drawn from.
    public var window: Duration
    /// Which of the repeats, counted from 1, and of how many.
    public var position: Int
    public var count: Int
    public var wait: Duration

    /// The phases of a whole group, each drawn for itself with equal chance.
    public static func all(_ count: Int, within window: Duration, seed: Int64) -> [FaultPhase] {
        var random = SplitMix64(seed: UInt64(bitPattern: seed))
        return (0..<max(0, count)).map { index in
            let share = random.next().multipliedFullWidth(by: UInt64(max(0, window.nanoseconds))).high
            return FaultPhase(
                seed: seed, window: window, position: index + 1, count: count,
                wait: .nanoseconds(Int64(share)))
        }
    }

    /// A window for a drill about whose system nothing more is known: 10 s, in which what works by the second
    /// (flushing, heart beats, leases that are renewed) goes through all of its cycle, or the longest period of the
    /// drill's own probes and writers; never more than a minute.
    public static func window(for drill: Drill) -> Duration {
        let probes = drill.probes.map(\.setting.every)
        let writers = drill.workloads.map { $0.setting.rate.period * $0.setting.writers }
        return min(.seconds(60), (probes + writers).max().map { max($0, .seconds(10)) } ?? .seconds(10))
    }

    /// The chance that so many faults all miss the worst tenth of a cycle.
    public static func chanceOfMissingTheWorst(_ count: Int) -> Double {
        Binomial.probability(ofAtMost: 0, in: count, chance: 0.1)
    }

    public var sentence: String {
        "repeat \(position) of \(count): the fault waits for \(wait.forPeople) once everything is steady "
            + "(at random within \(window.forPeople); seed \(seed))"
    }

    /// As it is kept in the event `repeat-planned`.
    public var value: Value {
        [
            "seed": .int(seed), "windowNanoseconds": .int(window.nanoseconds),
            "position": .int(Int64(position)), "count": .int(Int64(count)),
            "waitNanoseconds": .int(wait.nanoseconds),
        ]
    }

    /// nil when something is missing.
    public init?(_ value: Value) {
        guard let seed = value["seed"]?.asInt, let window = value["windowNanoseconds"]?.asInt,
            let position = value["position"]?.asInt, let count = value["count"]?.asInt,
            let wait = value["waitNanoseconds"]?.asInt
        else { return nil }
        self.init(
            seed: Int64(seed), window: .nanoseconds(Int64(window)), position: Int(position),
            count: Int(count), wait: .nanoseconds(Int64(wait)))
    }

    private init(seed: Int64, window: Duration, position: Int, count: Int, wait: Duration) {
        self.seed = seed
        self.window = window
        self.position = position
        self.count = count
        self.wait = wait
    }
}
