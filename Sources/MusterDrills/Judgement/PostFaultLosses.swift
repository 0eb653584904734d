import MusterCore

/// What was acknowledged after the fault and is lost, held against what `allowPostFaultLoss` permits.
///
/// How late it was lies between bounds as every time does (`LedgerFindings.lostAfterFault`), so that a limit is kept
/// only when the upper bound keeps it, and missed only when the lower one misses it.
struct PostFaultLosses {
    let limit: PostFaultLoss
    /// Of all workloads.
    let count: Int
    /// How long after the fault the last of them was acknowledged.
    let latest: Interval?
    /// The same, of those ledgers alone that were read to their end: what else is unknown does not change it.
    let proven: Interval?
    let provenCount: Int
    /// Only the first fault is held to account, so that with a second one a later loss may be young.
    let isDatable: Bool

    /// - Parameter isComplete: of each of the findings, whether its absences prove anything.
    init(_ limit: PostFaultLoss, _ findings: [LedgerFindings], isComplete: [Bool], strikes: Int) {
        self.limit = limit
        count = findings.reduce(0) { $0 + $1.count(.lostAfterFault) }
        latest = findings.reduce(nil) { .worst($0, $1.lostAfterFault) }
        let complete = zip(findings, isComplete).filter { $0.1 }.map(\.0)
        proven = complete.reduce(nil) { .worst($0, $1.lostAfterFault) }
        provenCount = complete.reduce(0) { $0 + $1.count(.lostAfterFault) }
        isDatable = strikes <= 1
    }

    /// - Parameter rpo: under a recovery point of zero each loss is one too many, whichever fault it belongs to.
    func result(rpo: Duration) -> ObjectiveResult.Result { result(latest, rpo) }

    /// Whether the limit is missed for certain, whatever else could not be read.
    func isMissed(rpo: Duration) -> Bool { result(proven, rpo) == .missed }

    private func result(_ latest: Interval?, _ rpo: Duration) -> ObjectiveResult.Result {
        guard let latest else { return .met }
        switch limit {
        case .allowed: return .met
        case .forbidden: return rpo == .zero || isDatable ? .missed : .inconclusive
        case .within(let limit):
            let result = ObjectiveResult.Result(latest, within: limit)
            return result == .missed && !isDatable ? .inconclusive : result
        }
    }

    /// `, 4 of them acknowledged after the fault (as when two sides accept writes), the last 1 s to 1.2 s after it`:
    /// what is known is when they were acknowledged; how they were lost is not.
    var words: String {
        guard let latest else { return "" }
        return ", \(count) of them acknowledged after the fault (as when two sides accept writes), the last "
            + "\(latest.forPeople) after it"
    }

    /// What follows the words where they are the reason for `result`.
    func verdict(_ result: ObjectiveResult.Result) -> String {
        guard case .within(let limit) = limit else {
            return result == .inconclusive ? "; with several faults its age cannot be told" : ""
        }
        return switch result {
        case .met: ", within the \(limit.forPeople) allowed"
        case .missed: ", not within the \(limit.forPeople) allowed"
        case .inconclusive:
            isDatable
                ? ": these bounds lie on both sides of the \(limit.forPeople) allowed"
                : ", which is more than the \(limit.forPeople) allowed; with several faults its age cannot be told"
        }
    }

    /// `; 4 acknowledged after it are lost, the last 1 s to 1.2 s after it, within the 3 s that …`, where that is
    /// permitted.
    var permitted: String {
        guard let latest else { return "" }
        let lost = "; \(count) acknowledged after it \(count == 1 ? "is" : "are") lost, "
        guard case .within(let limit) = limit else { return lost + "as allowPostFaultLoss permits" }
        return lost
            + "the last \(latest.forPeople) after it, within the \(limit.forPeople) that allowPostFaultLoss permits"
    }

    /// What an objective of `rpo` adds to itself: `4 s before the fault, 3 s after it`.
    func objective(_ rpo: String) -> String {
        switch limit {
        case .forbidden: rpo
        case .within(let limit): "\(rpo) before the fault, \(limit.forPeople) after it"
        case .allowed: "\(rpo) before the fault, any after it"
        }
    }
}
