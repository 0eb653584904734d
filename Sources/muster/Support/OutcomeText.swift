import MusterCore
import MusterDrills

/// One outcome on a terminal, at the end of a run and in `muster show`.
enum OutcomeText {
    static func show(_ outcome: Outcome, isRunning: Bool) {
        let header = outcome.header
        Terminal.line(
            Terminal.styled("Outcome #\(outcome.number)", .bold)
                + "  \(header.drill) · \(utcText(nanoseconds: header.startedAtUTC)) · \(header.environment.rawValue)"
        )
        guard let closing = outcome.closing else {
            Terminal.line(
                isRunning
                    ? "RUNNING: what it has so far is below"
                    : "INTERRUPTED: it has no end; what it had until then is below")
            events(outcome)
            return
        }
        summary(closing)
        Terminal.labelled("measured", outcome.calibrationText, .dim)
        if let repeats = outcome.repeats {
            Terminal.line()
            RepeatText.show(repeats)
        }
        Terminal.line()
        events(outcome)
    }

    /// What a run ends with: objectives, ledger, undo, verdict.
    /// - Parameter isBrief: only what is remarkable about it.
    static func summary(_ closing: RunClosing, isBrief: Bool = false) {
        let judgement = closing.judgement
        Terminal.line()
        if !isBrief { details(judgement) }
        if isBrief {
            for prediction in judgement.predictions where prediction.result == .outside {
                Terminal.labelled("warning", "\(PredictionResult.flag): \(prediction.sentence)", .yellow)
            }
        }
        if closing.residue.isEmpty {
            if !isBrief { Terminal.labelled("undo", "everything was put back, and that was verified") }
        } else {
            Terminal.line(Terminal.styled("undo     NOT everything was put back:", .red, .bold))
            for residue in closing.residue { Terminal.line("         \(residue)") }
            Terminal.line("         run: muster undo")
        }
        if !isBrief { Terminal.line() }
        let word = judgement.verdict.rawValue.uppercased()
        let style: Terminal.Style =
            switch judgement.verdict {
            case .pass: .green
            case .fail, .error: .red
            case .inconclusive: .yellow
            }
        let ending = closing.ending == .completed ? "" : " (\(closing.ending.rawValue))"
        Terminal.labelled(word + ending, judgement.reason, style, .bold)
    }

    private static func details(_ judgement: Judgement) {
        if !judgement.objectives.isEmpty {
            var table = Table("OBJECTIVE", "WANTED", "MEASURED", "RESULT")
            for row in judgement.objectives {
                table.add(row.name.uppercased(), row.objective, row.measured, row.result.rawValue)
            }
            Terminal.line(table.text(width: Terminal.width))
            Terminal.line()
        }
        for ledger in judgement.ledgers {
            Terminal.labelled("ledger", words(ledger))
            if let sample = ledger.sample { Terminal.labelled("sample", sample.sentence, .yellow) }
            for replica in ledger.replicas { Terminal.labelled("replica", words(replica)) }
        }
        for dataset in judgement.datasets {
            Terminal.labelled("dataset", dataset.sentence, dataset.result == .differs ? .red : .dim)
        }
        for prediction in judgement.predictions where prediction.result != .outside {
            let word = prediction.result == .within ? "as predicted" : "cannot be told"
            Terminal.labelled("predict", "\(prediction.sentence): \(word)")
        }
        for warning in judgement.warnings { Terminal.labelled("warning", warning, .yellow) }
        for scope in judgement.scope { Terminal.labelled("scope", scope, .dim) }
    }

    /// One line: what was written, and what became of it.
    static func words(_ ledger: LedgerFindings) -> String {
        var text = "'\(ledger.workload)': \(ledger.acknowledged) acknowledged of \(ledger.sent) writes"
        let after = ledger.count(.lostAfterFault)
        text +=
            " · \(ledger.lost) lost\(after == 0 ? "" : " (\(after) acknowledged after the fault)") · \(ledger.duplicated) duplicated · \(ledger.corrupt) corrupted"
        let others: [(EntryClass, String)] = [
            (.phantom, "phantom"), (.abortedVisible, "aborted but visible"), (.stale, "stale"),
            (.resurrected, "resurrected"), (.reordered, "reordered"),
            (.divergent, "divergent on replicas"), (.unread, "unread"), (.unsampled, "not sampled"),
        ]
        for (entryClass, words) in others where ledger.count(entryClass) > 0 {
            text += " · \(ledger.count(entryClass)) \(words)"
        }
        text += " · \(ledger.inDoubt) in doubt · \(ledger.refused) refused"
        guard let rpa = ledger.rpa, ledger.sample == nil else { return text }
        return text
            + " · RPO \(ledger.lost - after + ledger.corrupt + ledger.unread == 0 ? "0 s" : rpa.forPeople)"
    }

    private static func words(_ replica: ReplicaFindings) -> String {
        if let why = replica.inconclusive { return why }
        return replica.divergent == 0
            ? "\(replica.name) holds the same"
            : "\(replica.name): \(replica.missing) missing · \(replica.different) different · \(replica.extra) only there"
    }

    private static func events(_ outcome: Outcome) {
        for event in outcome.events {
            let time = LiveView.clock(event.at - outcome.header.startedAt)
            Terminal.line("\(Terminal.styled(time, .dim))  \(event.kind.rawValue)  \(event.text)")
        }
    }

    static func value(_ outcome: Outcome, isRunning: Bool) -> Value {
        let header = outcome.header
        var map: [String: Value] = [
            "number": .int(Int64(outcome.number)), "id": .text(header.id), "drill": .text(header.drill),
            "startedAt": .text(utcText(nanoseconds: header.startedAtUTC)),
            "environment": .text(header.environment.rawValue), "drillHash": .text(header.drillHash),
            "host": .text(header.host), "kernel": .text(header.kernel), "muster": .text(header.toolVersion),
            "events": .list(
                outcome.events.map { event in
                    [
                        "kind": .text(event.kind.rawValue), "subject": .text(event.subject),
                        "text": .text(event.text),
                        "atNanoseconds": .int((event.at - header.startedAt).nanoseconds),
                        "actor": .text(event.actor),
                        "utc": .text(utcText(nanoseconds: event.utcNanoseconds)), "detail": event.detail,
                    ]
                }),
        ]
        map["calibration"] =
            outcome.calibration.map { calibration in
                [
                    "result": .text(calibration.result.rawValue),
                    "finishedAt": .text(utcText(nanoseconds: calibration.finishedAtUTC)),
                    "trials": .int(Int64(calibration.trials)), "covered": .int(Int64(calibration.covered)),
                    "text": .text(outcome.calibrationText),
                ]
            } ?? .null
        map["ending"] = isRunning ? "running" : "interrupted"
        if let closing = outcome.closing { map.merge(value(closing)) { _, new in new } }
        if let repeats = outcome.repeats { map["repeats"] = repeats.value }
        return .map(map)
    }

    static func value(_ closing: RunClosing) -> [String: Value] {
        let judgement = closing.judgement
        return [
            "verdict": .text(judgement.verdict.rawValue), "ending": .text(closing.ending.rawValue),
            "reason": .text(judgement.reason), "exitCode": .int(Int64(closing.exitCode)),
            "status": .text(judgement.status.rawValue),
            "objectives": .list(judgement.objectives.map(\.value)),
            "measurements": .list(
                judgement.measurements.map { measurement in
                    [
                        "name": .text(measurement.name), "subject": .text(measurement.subject),
                        "lowerNanoseconds": .int(measurement.interval.lowerNanoseconds),
                        "upperNanoseconds": measurement.interval.upperNanoseconds.map { .int($0) } ?? .null,
                    ]
                }),
            "ledgers": .list(judgement.ledgers.map(ledgerValue)),
            "datasets": .list(judgement.datasets.map(\.value)),
            "predictions": .list(
                judgement.predictions.map { prediction in
                    [
                        "name": .text(prediction.name), "predicted": .text(prediction.predicted),
                        "measured": .text(prediction.measured), "result": .text(prediction.result.rawValue),
                    ]
                }),
            "warnings": .list(judgement.warnings.map { .text($0) }),
            "scope": .list(judgement.scope.map { .text($0) }),
            "residue": .list(closing.residue.map { .text($0) }),
        ]
    }

    private static func ledgerValue(_ ledger: LedgerFindings) -> Value {
        [
            "workload": .text(ledger.workload), "sent": .int(Int64(ledger.sent)),
            "acknowledged": .int(Int64(ledger.acknowledged)), "lost": .int(Int64(ledger.lost)),
            "duplicated": .int(Int64(ledger.duplicated)), "corrupt": .int(Int64(ledger.corrupt)),
            "unread": .int(Int64(ledger.unread)),
            "inDoubt": .int(Int64(ledger.inDoubt)), "refused": .int(Int64(ledger.refused)),
            "rpaLowerNanoseconds": ledger.rpa.map { .int($0.lowerNanoseconds) } ?? .null,
            "rpaUpperNanoseconds": ledger.rpa?.upperNanoseconds.map { .int($0) } ?? .null,
            "sample": ledger.sample.map { sample in
                [
                    "older": .int(Int64(sample.older)), "drawn": .int(Int64(sample.drawn)),
                    "missing": .int(Int64(sample.missing)),
                    "mostLost": sample.mostLost.map { .int(Int64($0)) } ?? .null,
                ]
            } ?? .null,
            "replicas": .list(ledger.replicas.map(replicaValue)),
            "counts": .map(
                Dictionary(
                    uniqueKeysWithValues: ledger.counts.map { ($0.key.rawValue, .int(Int64($0.value))) })),
        ]
    }

    private static func replicaValue(_ replica: ReplicaFindings) -> Value {
        [
            "name": .text(replica.name), "missing": .int(Int64(replica.missing)),
            "different": .int(Int64(replica.different)), "extra": .int(Int64(replica.extra)),
            "unread": .int(Int64(replica.unread)),
            "inconclusive": replica.inconclusive.map { .text($0) } ?? .null,
        ]
    }
}
