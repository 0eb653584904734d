import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Holds a game day against its abort criteria, by what its timeline and the runs of its drills say in the store. Whoever
/// carries the day out and every board look by the same.
struct CriteriaWatch {
    let criteria: GameDay.AbortCriteria
    private let roster: GameDayRoster
    private let bootID: String
    private var customers: CustomerWatch

    init(_ criteria: GameDay.AbortCriteria, _ roster: GameDayRoster) {
        self.criteria = criteria
        self.roster = roster
        bootID = (try? MusterSystem.bootID()) ?? ""
        customers = CustomerWatch(latency: criteria.latency)
    }

    /// Another drill begins.
    mutating func begin() { customers = CustomerWatch(latency: criteria.latency) }

    /// Takes what the follower read in its last look.
    mutating func take(_ follower: RunFollower) {
        guard criteria.watchesDrills else { return }
        for event in follower.fresh { customers.apply(event) }
        for (name, writer, samples) in follower.freshSamples {
            customers.apply(samples, of: name, writer: writer)
        }
    }

    /// For how long the drill made its service be down.
    func downTime(at now: Instant) -> Duration { customers.downTime(at: now) }

    /// - Parameter follower: of the drill that runs; nil while none does.
    func standing(_ record: GameDayRecord, _ follower: RunFollower?, now: Instant) -> [CriterionStanding] {
        var moment = CriteriaMoment(now: follower?.now ?? now)
        if let heartbeat = criteria.heartbeat, record.state == .running,
            let sign = record.signOfLife(heartbeat, roster), sign.bootID == bootID
        {
            moment.silence = now - sign.at
            moment.operators = heartbeat.from.flatMap { roster[$0] }.joined(separator: ", ")
        }
        guard let follower, !follower.isEnded else { return criteria.standing(moment) }
        moment.customers = customers
        moment.service = record.drillEvents.last { $0.event.phase == .started }?.event.spending
        moment.spentBefore = moment.service.map { record.spent(of: $0.service) } ?? .zero
        moment.faultAge = follower.board.openFaults.compactMap { $0.struck.map { moment.now - $0.lower } }
            .max()
        return criteria.standing(moment)
    }
}
