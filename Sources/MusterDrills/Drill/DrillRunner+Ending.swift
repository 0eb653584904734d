import MusterCore

/// What becomes of a run that does not go to its end: failures, aborts, and a guard that is gone.
extension DrillRunner {
    /// A fixture ends with its guard: there is nothing left that could recover or be read back.
    var areFixturesGone: Bool { isGuardLost && !drill.fixtures.isEmpty }

    mutating func endWithoutFixtures(_ now: Instant) -> [Effect] {
        isReadBack ? enter(.fixturesDown, now) + [.takeDownFixtures] : enter(.stopping, now) + [.stopWriters]
    }

    mutating func loseGuard(_ reason: String, _ now: Instant) -> [Effect] {
        guard !isGuardLost else { return [] }
        isGuardLost = true
        // The warden lifts them; nobody will say when.
        open = [:]
        lifting = []
        liftsDue = [:]
        let effects = [record(.guardLost, "", reason)] + abort("the guard was lost: \(reason)", now)
        guard areFixturesGone, phase == .recovering || phase == .steadyAgain else { return effects }
        return effects + endWithoutFixtures(now)
    }

    var isEndingEarly: Bool { abortReason != nil || failure != nil }

    mutating func cannotRun(_ reason: String, _ now: Instant) -> [Effect] {
        guard abortReason == nil, failure == nil else { return [] }
        failure = reason
        return [.record(.stepFinished, subject: "", text: reason, detail: ["ok": false], seen: nil)]
            + stopEarly(now)
    }

    mutating func abort(_ reason: String, _ now: Instant) -> [Effect] {
        // The first reason wins, also when it was a failure and not an abort.
        guard abortReason == nil, failure == nil || isGuardLost else {
            return [record(.note, "", "abort asked for again: \(reason)")]
        }
        abortReason = reason
        return [record(.abort, "", reason)] + stopEarly(now)
    }

    mutating func stopEarly(_ now: Instant) -> [Effect] {
        switch phase {
        case .undoing, .steadyAgain, .fixturesDown, .finished, .stopping, .readingBack: return []
        case .fixtures: return [.cancelRunbooks] + enter(.fixturesDown, now) + [.takeDownFixtures]
        default: break
        }
        liftsDue = [:]
        var effects: [Effect] = [.cancelRunbooks]
        defer { program.cancel() }
        if firstInjection == nil && !program.awaitsInjection {
            effects += enter(.stopping, now) + [.stopWriters]
        } else if areFixturesGone {
            effects += endWithoutFixtures(now)
        } else if isGuardLost {
            effects += enter(.recovering, now)
        } else {
            effects += enter(.undoing, now) + [.undoInjections(recovered: false)]
        }
        return effects
    }
}
