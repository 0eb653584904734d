public import MusterCore

/// How one of a game day's abort criteria stands at one moment.
public struct CriterionStanding: Hashable, Sendable {
    public var criterion: GameDay.AbortCriteria.Criterion
    /// For a board: `error budget 1.2 s of 4.3 s`.
    public var words: String
    /// Of the limit; 1 and more is a breach.
    public var share: Double
    /// Why the day ends, a sentence without a full stop; nil while the limit holds.
    public var breach: String?
    /// The figures, for programs.
    public var figures: [String: Value]

    /// What the entry holds that ends the day.
    public var detail: Value { .map(figures.merging(["criterion": .text(criterion.rawValue)]) { $1 }) }
}

/// What the criteria are held against at one moment.
public struct CriteriaMoment: Sendable {
    /// On the clock of the drill.
    public var now: Instant
    /// nil while no drill runs.
    public var customers: CustomerWatch?
    /// Of the service of the drill that runs; nil without an availability.
    public var service: GameDaySpending?
    /// What earlier drills of the day cost that service.
    public var spentBefore = Duration.zero
    /// For how long the oldest open fault of the drill has stood; nil while nothing is broken.
    public var faultAge: Duration?
    /// Since the last sign of life; nil before anything began.
    public var silence: Duration?
    /// Who gave it, or may give one.
    public var operators = ""

    public init(now: Instant) { self.now = now }
}

/// What a drill of the day may cost its service, and what it did.
public struct GameDaySpending: Hashable, Sendable {
    public var service: String
    /// How long the service may be down over the window of its availability.
    public var budget: Duration
    /// For how long the drill made it so; nil before its end.
    public var down: Duration?

    public init(service: String, budget: Duration, down: Duration? = nil) {
        self.service = service
        self.budget = budget
        self.down = down
    }

    init?(_ value: Value?) {
        guard let value, let service = value["service"]?.asText, let budget = value.duration("budget") else {
            return nil
        }
        self.init(service: service, budget: budget, down: value.duration("down"))
    }

    var value: Value {
        [
            "service": .text(service), "budget": .int(budget.nanoseconds),
            "down": .optional(down?.nanoseconds),
        ]
    }
}

extension GameDay.AbortCriteria {
    /// How long a service with that budget may be down on the day; nil without a limit.
    public func allowed(of budget: Duration) -> Duration? {
        errorBudget.map { .nanoseconds(Int64((budget.inSeconds * 1e9 * $0.fraction).rounded())) }
    }

    /// Those criteria that can be breached at any moment, in the order in which they are shown.
    public func standing(_ moment: CriteriaMoment) -> [CriterionStanding] {
        [heartbeat(moment), budget(moment), latency(moment), fault(moment)].compactMap { $0 }
    }

    private func heartbeat(_ moment: CriteriaMoment) -> CriterionStanding? {
        guard let heartbeat, let silence = moment.silence else { return nil }
        let left = heartbeat.every - silence
        let roles = heartbeat.from.map(\.rawValue).joined(separator: " or ")
        return CriterionStanding(
            criterion: .heartbeat,
            words: left > .zero
                ? "no heartbeat of \(roles) within \(left.whole)"
                : "NO HEARTBEAT of \(roles) for \(silence.whole)",
            share: silence.inSeconds / max(heartbeat.every.inSeconds, 1e-9),
            breach: left > .zero
                ? nil
                : "nothing was heard of \(roles) (\(moment.operators)) for \(silence.tenths), and a heartbeat is due "
                    + "every \(heartbeat.every.forPeople)",
            figures: [
                "silenceNanoseconds": .int(silence.nanoseconds),
                "limitNanoseconds": .int(heartbeat.every.nanoseconds),
            ])
    }

    private func budget(_ moment: CriteriaMoment) -> CriterionStanding? {
        guard let share = errorBudget, let service = moment.service, let customers = moment.customers,
            let allowed = allowed(of: service.budget)
        else { return nil }
        let spent = moment.spentBefore + customers.downTime(at: moment.now)
        return CriterionStanding(
            criterion: .errorBudget,
            words: "error budget \(spent.tenths) spent of \(allowed.forPeople)",
            share: allowed > .zero ? spent.inSeconds / allowed.inSeconds : spent > .zero ? 1 : 0,
            breach: spent > allowed
                ? "'\(service.service)' was down for \(spent.tenths) on this day, and the day may spend "
                    + "\(allowed.forPeople): \(share.forPeople) of its error budget of \(service.budget.forPeople)"
                : nil,
            figures: [
                "service": .text(service.service), "spentNanoseconds": .int(spent.nanoseconds),
                "limitNanoseconds": .int(allowed.nanoseconds),
                "budgetNanoseconds": .int(service.budget.nanoseconds),
            ])
    }

    private func latency(_ moment: CriteriaMoment) -> CriterionStanding? {
        guard let latency, let customers = moment.customers else { return nil }
        let most = Percentage(millionths: 1_000_000 - latency.quantile.millionths)
        let rule =
            "\(latency.quantile.forPeople) within \(latency.max.forPeople) over \(latency.window.forPeople)"
        guard let seen = customers.late(at: moment.now) else {
            return CriterionStanding(
                criterion: .latency, words: "latency not \(rule)", share: 0, breach: nil, figures: [:])
        }
        let late = Percentage(millionths: Int64(seen.late) * 1_000_000 / Int64(max(1, seen.answers)))
        // As a count: a share that is rounded could pass what is not allowed.
        let isOver = Double(seen.late) > Double(seen.answers) * most.fraction
        return CriterionStanding(
            criterion: .latency,
            words: "latency not \(rule) (now \(late.hundredths) late)",
            share: isOver ? 1 : min(0.99, late.fraction / max(most.fraction, 1e-6)),
            breach: isOver
                ? "\(seen.late) of \(seen.answers) answers of '\(seen.signal)' in the last "
                    + "\(latency.window.forPeople) took longer than \(latency.max.forPeople), which is \(late.hundredths); "
                    + "\(most.forPeople) may"
                : nil,
            figures: [
                "signal": .text(seen.signal), "late": .int(Int64(seen.late)),
                "answers": .int(Int64(seen.answers)), "limitNanoseconds": .int(latency.max.nanoseconds),
            ])
    }

    private func fault(_ moment: CriteriaMoment) -> CriterionStanding? {
        guard let limit = faultLongerThan else { return nil }
        guard let age = moment.faultAge else {
            return CriterionStanding(
                criterion: .faultLongerThan, words: "broken for \(limit.forPeople) (now 0)", share: 0,
                breach: nil, figures: [:])
        }
        return CriterionStanding(
            criterion: .faultLongerThan,
            words: "broken for \(limit.forPeople) (now \(age.tenths))",
            share: age.inSeconds / max(limit.inSeconds, 1e-9),
            breach: age > limit
                ? "something has been broken for \(age.tenths), and may be for \(limit.forPeople)" : nil,
            figures: [
                "ageNanoseconds": .int(age.nanoseconds), "limitNanoseconds": .int(limit.nanoseconds),
            ])
    }
}

extension Percentage {
    /// `3.21 %`.
    fileprivate var hundredths: String {
        let hundredths = (millionths + 50) / 100
        let digits = String(hundredths % 100 + 100).dropFirst()
        return "\(hundredths / 100).\(digits) %"
    }
}

extension GameDayRecord {
    /// The newest sign of life since the day began to run, or was taken up again after a crash: whatever somebody with
    /// one of the roles said or did. nil while it does not run.
    public func signOfLife(_ heartbeat: GameDay.Heartbeat, _ roster: GameDayRoster) -> GameDayEntry? {
        guard let start = entries.lastIndex(where: { $0.state == .running || $0.kind == .gap }) else {
            return nil
        }
        return entries[start...].last { isSign($0, heartbeat, roster) } ?? entries[start]
    }

    /// How often each person gave one, and the longest that none was given, while the day ran; nil before that.
    public func signsOfLife(_ heartbeat: GameDay.Heartbeat, _ roster: GameDayRoster)
        -> (counts: [(name: String, signs: Int)], longestSilence: Duration)?
    {
        guard let start = entries.firstIndex(where: { $0.state == .running }) else { return nil }
        let over =
            entries[start...].firstIndex { $0.state != nil && $0.state != .running } ?? entries.endIndex
        let abort =
            entries[start...].firstIndex { $0.kind == .abort || $0.kind == .convert } ?? entries.endIndex
        var last = entries[start].recordedUTC
        var (counts, longest): ([(name: String, signs: Int)], Int64) = ([], 0)
        for entry in entries[(start + 1)..<max(start + 1, min(over, abort))] {
            if entry.kind == .gap { last = entry.recordedUTC }
            guard isSign(entry, heartbeat, roster) else { continue }
            longest = max(longest, entry.recordedUTC - last)
            last = entry.recordedUTC
            if let index = counts.firstIndex(where: { $0.name == entry.actor }) {
                counts[index].signs += 1
            } else {
                counts.append((entry.actor, 1))
            }
        }
        if min(over, abort) < entries.endIndex {
            longest = max(longest, entries[min(over, abort)].recordedUTC - last)
        }
        return (counts, .nanoseconds(longest))
    }

    private func isSign(_ entry: GameDayEntry, _ heartbeat: GameDay.Heartbeat, _ roster: GameDayRoster)
        -> Bool
    {
        entry.source == .human && roster.roles(of: entry.actor).contains(where: heartbeat.from.contains)
    }

    /// What the drills of the day that are over cost a service.
    public func spent(of service: String) -> Duration {
        drillEvents.filter { $0.event.phase == .finished && $0.event.spending?.service == service }
            .reduce(.zero) { $0 + ($1.event.spending?.down ?? .zero) }
    }

    /// By which criterion the day was ended early, with the entry that says so; nil when it was not, or an earlier
    /// version did not say.
    public var endedBy: (criterion: GameDay.AbortCriteria.Criterion, entry: GameDayEntry)? {
        guard let entry = abortWish else { return nil }
        let word = entry.detail["criterion"]?.asText ?? (entry.source == .human ? "manual" : "")
        return GameDay.AbortCriteria.Criterion(rawValue: word).map { ($0, entry) }
    }
}
