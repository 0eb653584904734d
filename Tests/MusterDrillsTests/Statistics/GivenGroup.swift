import MusterCore
import MusterDrills

/// Groups of repeats made by hand. Times are milliseconds.
enum GivenGroup {
    static func member(
        _ status: RecoveryStatus = .recovered, _ time: Interval? = nil, verdict: Verdict = .pass,
        ending: Ending = .completed, rto: ObjectiveResult.Result? = .met, lost: Int? = nil,
        prediction: PredictionResult.Result? = nil, unreadable: Bool = false
    ) -> RepeatGroup.Member {
        var judgement = Judgement(verdict: verdict, reason: "as the test says", status: status)
        if let rto {
            judgement.objectives = [
                ObjectiveResult(
                    name: "rto", objective: "2 s from fault", measured: time?.forPeople ?? "-",
                    interval: time,
                    result: rto, reason: "as the test says")
            ]
        }
        if let time { judgement.measurements = [Measurement(name: "rta", subject: "", interval: time)] }
        if let lost {
            var findings = LedgerFindings(workload: "writes")
            findings.counts = [.lostTail: lost]
            if unreadable { findings.inconclusive = "it could not be read" }
            judgement.ledgers = [findings]
        }
        if let prediction {
            judgement.predictions = [
                PredictionResult(
                    name: "outage", predicted: "100 ms to 2 s", measured: "-", result: prediction)
            ]
        }
        return RepeatGroup.Member(
            number: 0, header: header, closing: closing(judgement, ending))
    }

    static func closing(_ judgement: Judgement, _ ending: Ending) -> RunClosing {
        RunClosing(
            ending: ending, judgement: judgement, exitCode: 0, residue: [], finishedAt: at(1),
            finishedAtUTC: 1)
    }

    /// It ended without being judged.
    static var interrupted: RepeatGroup.Member { .init(number: 0, header: header, closing: nil) }

    static let header = RunHeader(
        id: "run", drill: "given", drillPath: "given.yaml", drillText: "", drillHash: "d", service: nil,
        owner: nil, environment: .lab, failureMode: nil, expect: nil, variables: [:],
        durabilityScope: "process", host: "here", bootID: "boot", kernel: "6.1", timeZone: "UTC", actor: "me",
        toolVersion: "1", protocolVersion: 1, judgeVersion: 1, binaryHash: "b", repeatGroup: "G",
        startedAt: at(0), startedAtUTC: 0)

    static func group(
        _ members: [RepeatGroup.Member], id: String = "G", from first: Int = 1, wanted: Int? = nil,
        window: Duration = .seconds(10)
    ) -> RepeatGroup {
        let phases = FaultPhase.all(wanted ?? members.count, within: window, seed: 42)
        let numbered = members.enumerated().map { index, member in
            var member = member
            member.number = first + index
            member.phase = phases.indices.contains(index) ? phases[index] : nil
            return member
        }
        return RepeatGroup(id: id, members: numbered)
    }

    /// Recovered after so many milliseconds, known to 10.
    static func recovered(_ times: [Double]) -> [RepeatGroup.Member] {
        times.map { member(.recovered, interval($0, $0 + 10)) }
    }
}

extension RepeatSummary {
    func line(_ label: String) -> String? { lines.first { $0.label == label }?.text }
    func texts(_ label: String) -> [String] { lines.filter { $0.label == label }.map(\.text) }
}
