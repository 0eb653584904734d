import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Abort criteria that can be breached at any moment while the day runs.
extension GameDayHolding {
    /// Reads what the run of a drill has written since, where somebody wants to know.
    func follow(_ run: String) throws {
        guard day.abort.watchesDrills else { return }
        if follower == nil, let watched = try desk.store.watched(run) {
            criteria.begin()
            follower = try RunFollower(watched, desk.store, isWhole: true)
        }
        try follower?.look()
        if let follower { criteria.take(follower) }
    }

    /// Ends the day when a limit is passed; says in time that a sign of life is due.
    func lookAtCriteria() throws {
        guard stop == nil, known.state == .running else { return }
        for standing in criteria.standing(known, follower, now: clock.monotonic()) {
            if let breach = standing.breach {
                haltDay(.aborted(standing, breach))
                return
            }
            if standing.criterion == .heartbeat { remind(standing) }
        }
    }

    private func remind(_ standing: CriterionStanding) {
        guard let heartbeat = day.abort.heartbeat, standing.share >= 0.6,
            let sign = known.signOfLife(heartbeat, day.roster), sign.sequence != reminded
        else { return }
        reminded = sign.sequence
        let who = heartbeat.from.flatMap { day.roster[$0] }.joined(separator: ", ")
        say(
            "heartbeat due of \(who), else the day ends: muster gameday beat --as \(who.prefix { $0 != "," })"
        )
    }

    /// What a drill may cost its service; nil where nothing limits it, or its service has no budget.
    func spending(_ card: GameDay.Card) -> GameDaySpending? {
        guard day.abort.errorBudget != nil,
            let drill = try? DrillLoader(
                path: file.drillPath(card), variables: card.variables, tellsWarnings: false
            ).load(.plan).drill,
            let service = drill.service, let goal = drill.objectives.serviceLevel
        else { return nil }
        return GameDaySpending(service: service, budget: goal.budget)
    }

    /// The same, with what a run that is over did cost, by all that is on record of it.
    func spending(_ card: GameDay.Card, by run: String) throws -> GameDaySpending? {
        guard var spending = spending(card), let watched = try desk.store.watched(run) else { return nil }
        var follower = try RunFollower(watched, desk.store, isWhole: true)
        var watch = CriteriaWatch(day.abort, day.roster)
        // A run that nobody closed has no more to say once nothing new is there.
        repeat {
            try follower.look()
            watch.take(follower)
        } while !follower.fresh.isEmpty || !follower.freshSamples.isEmpty
        spending.down = watch.downTime(at: follower.board.lastEvent)
        return spending
    }

    static func words(ofSignal signal: Int32) -> String {
        switch signal {
        case SIGINT: "Ctrl-C at the terminal that runs it, or SIGINT"
        case SIGHUP: "the terminal that runs it was closed (SIGHUP)"
        case SIGTERM: "somebody ended the process that runs it (SIGTERM)"
        default: "signal \(signal)"
        }
    }
}
