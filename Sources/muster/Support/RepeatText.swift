import MusterCore
import MusterDrills
import MusterOutcomes

/// A group of repeats on a terminal, at the end of `muster run --repeat` and in `show` and `outcomes --group`.
enum RepeatText {
    static func show(_ summary: RepeatSummary) {
        for line in summary.lines {
            if line.isWarning {
                Terminal.labelled(line.label, line.text, indent: 10, .yellow)
            } else {
                Terminal.labelled(line.label, line.text, indent: 10)
            }
        }
    }

    /// One line a run.
    static func table(_ group: RepeatGroup) -> Table {
        var table = Table("N", "WHEN (UTC)", "FAULT AFTER", "RECOVERED IN", "VERDICT", "WHY")
        for member in group.members {
            table.add(
                "\(member.number)", String(utcText(nanoseconds: member.header.startedAtUTC).prefix(19)),
                member.phase?.wait.forPeople ?? "-",
                member.isProven ? member.recovery.forPeople : "not known",
                verdict(member), member.closing?.judgement.reason ?? "")
        }
        return table
    }

    private static func verdict(_ member: RepeatGroup.Member) -> String {
        guard let closing = member.closing else { return member.isRunning ? "running" : "interrupted" }
        let word = closing.judgement.verdict.rawValue.uppercased()
        return closing.ending == .completed ? word : "\(word) (\(closing.ending.rawValue))"
    }
}

enum GroupFinder {
    /// - Parameter text: a group's id, or the number of any of its runs.
    static func find(_ text: String, in store: OutcomeStore) throws -> RepeatSummary {
        if let summary = try store.summary(ofGroup: text) { return summary }
        if let number = Int(text) {
            guard let outcome = try store.outcome(number, withSamples: false) else {
                throw Refusal(
                    .usage, "there is no outcome \(number)", advice: "run `muster outcomes` for the list")
            }
            if let summary = outcome.repeats { return summary }
            throw Refusal(
                .usage, "outcome \(number) is a single run, and belongs to no group of repeats",
                advice: "run a drill with --repeat")
        }
        let known = try store.groups(limit: 3)
        throw Refusal(
            .usage, "there is no group of repeats '\(text)'",
            advice: known.isEmpty
                ? "there is none yet; run a drill with --repeat"
                : "name one (the newest: \(known.joined(separator: ", "))), or the number of one of its runs")
    }
}
