import MusterCore

/// The summary as terminal and reports say it. Never "RTO proven": so many runs prove so much, at that confidence.
extension RepeatSummary {
    public struct Line: Hashable, Sendable {
        /// At most nine letters.
        public var label: String
        public var text: String
        /// Whether a reader must not miss it.
        public var isWarning = false
    }

    public var lines: [Line] {
        var lines = [Line(label: "repeats", text: course), Line(label: "verdict", text: verdictWords)]
        lines += objectives.map { Line(label: $0.name.uppercased(), text: $0.words) }
        if verdicts.count > unjudged {
            lines.append(Line(label: "recovery", text: recovery.words))
            lines += recovery.bounds.map { Line(label: "bounds", text: $0) }
        }
        if let losses { lines.append(Line(label: "lost", text: losses.words)) }
        lines += predictions.map { Line(label: "predict", text: $0.words, isWarning: $0.outside > 0) }
        if let phaseWords { lines.append(Line(label: "phase", text: phaseWords)) }
        if let trendWords { lines.append(Line(label: "trend", text: trendWords, isWarning: true)) }
        if !group.changesWithin.isEmpty {
            let text =
                "\(group.changesWithin.joined(separator: ", ")) changed from one run to another: "
                + "these are not repeats of the same thing"
            lines.append(Line(label: "changed", text: text, isWarning: true))
        }
        if let comparison { lines.append(comparison.line) }
        return lines
    }

    /// `10 of 10 runs of 'redis-kill', outcomes #4 to #13, group 01J…`.
    private var course: String {
        let wanted = group.phase?.count ?? group.members.count
        var text = "\(group.members.count) of \(wanted) runs of '\(group.drill)', outcomes \(group.numbers)"
        let running = group.members.count(where: \.isRunning)
        if running > 0 { text += ", of which \(running) still runs" }
        return text + ", group \(group.id)"
    }

    private var verdictWords: String {
        var parts = ["\(verdicts.met) passed", "\(verdicts.missed) failed"]
        let inconclusive = verdicts.inconclusive - errors - unjudged
        if inconclusive > 0 { parts.append("\(inconclusive) inconclusive") }
        if errors > 0 { parts.append("\(errors) could not be carried out") }
        if unjudged > 0 { parts.append("\(unjudged) not judged") }
        return parts.joined(separator: " · ") + (aborted > 0 ? " (\(aborted) aborted)" : "")
    }

    private var phaseWords: String? {
        // Where the test did not hold, nothing may have struck.
        let struck = group.members.count { ($0.closing?.judgement.status ?? .invalid) != .invalid }
        guard let phase = group.phase, struck > 0 else { return nil }
        guard phase.window > .zero else {
            return
                "every fault struck as soon as everything was steady: other moments of the system's own cycles "
                + "were not sampled"
        }
        let chance = FaultPhase.chanceOfMissingTheWorst(struck)
        return "the faults struck at random moments of \(phase.window.forPeople) (seed \(phase.seed)); "
            + (struck == 1 ? "one misses" : "all \(struck) miss")
            + " the worst tenth of a cycle with a chance of \(percent(chance, .up)); longer cycles were not sampled"
    }

    private var trendWords: String? {
        guard let trend, trend.p < RegressionRule.level else { return nil }
        let step = Duration.nanoseconds(Int64(abs(trend.slope) * 1e9)).forPeople
        return "recovery gets \(trend.s > 0 ? "slower" : "faster") by \(step) from run to run (p "
            + "\(probability(trend.p))): the runs depend on each other, so the bounds above do not hold"
    }
}

extension RepeatSummary.ObjectiveRate {
    /// `10/10 met; at 95 % confidence the success rate is at least 74 %`.
    public var words: String {
        var parts = ["\(met)/\(count) met"]
        if missed > 0 { parts.append("\(missed) missed") }
        if inconclusive > 0 { parts.append("\(inconclusive) inconclusive") }
        let counts = parts.joined(separator: ", ")
        if met > 0 {
            let bound = percent(atLeast, .down)
            let how = inconclusive > 0 ? " (what is inconclusive counted as not met)" : ""
            return "\(counts); at 95 % confidence the success rate is at least \(bound)\(how)"
        }
        guard missed > 0 else { return "\(counts): nothing is proven" }
        return "\(counts); at 95 % confidence the success rate is at most \(percent(atMost, .up))"
    }
}

extension RecoveryFigures {
    /// `median 1.21 s to 1.25 s, longest 1.31 s to 1.34 s`.
    public var words: String {
        guard hadOutage else { return "no outage was seen in \(count) of \(count) runs" }
        var text = "median \(median.forPeople), longest \(longest.forPeople)"
        if notSeenToRecover > 0 { text += "; \(notSeenToRecover) not seen to recover" }
        if withoutOutage > 0 { text += "; \(withoutOutage) without an outage, counted as 0 s" }
        if unproven > 0 { text += "; \(unproven) of which nothing is proven, kept as of any length" }
        return text
    }

    /// What the figures bound, in sentences.
    public var bounds: [String] {
        guard hadOutage else { return [] }
        var lines: [String] = []
        let needed = SuccessRate.drillsNeeded(toProve: 0.5, confidence: RepeatSummary.confidence)
        if let medianAtMost {
            lines.append("at 95 % confidence the median is at most \(medianAtMost.forPeople)")
        } else if count < needed {
            lines.append("\(needed) runs or more are needed to bound the median at 95 % confidence")
        } else {
            lines.append("nothing bounds the median from above: too many runs were not seen to recover")
        }
        if let longest = longest.upper {
            lines.append(
                "at 95 % confidence at least \(percent(shareWithinLongest, .down)) of runs take no longer than "
                    + longest.forPeople)
        }
        if let curve {
            func seconds(_ time: Double?) -> String {
                time.map { Duration.nanoseconds(Int64($0 * 1e9)).forPeople } ?? "not reached"
            }
            lines.append(
                "with those not seen to recover counted for as long as they were watched (Kaplan-Meier): median "
                    + "\(seconds(curve.median)), 90th percentile \(seconds(curve.quantile(0.9))), mean within "
                    + "\(watched.forPeople) \(seconds(curve.restrictedMean(until: watched.inSeconds)))")
        }
        return lines
    }
}

extension RepeatSummary.Losses {
    public var words: String {
        let unknown = unknownRuns > 0 ? "; not known in \(unknownRuns)" : ""
        if knownRuns == 0 { return "how many acknowledged writes were lost is not known in any run" }
        let range = least == most ? "\(most)" : "\(least) to \(most)"
        return "\(range) acknowledged writes lost or corrupt in each of \(knownRuns) runs\(unknown)"
    }
}

extension RepeatSummary.PredictionRate {
    public var words: String {
        let what =
            name == "outage"
            ? (predicted == "none" ? "no outage" : "an outage of \(predicted)") : "\(predicted) lost writes"
        var text = "\(what): \(within)/\(count) within"
        if outside > 0 { text += ", \(outside) outside (\(PredictionResult.flag))" }
        if unknown > 0 { text += ", \(unknown) cannot be told" }
        return text
    }
}

extension RepeatSummary.Comparison {
    public var line: RepeatSummary.Line {
        switch self {
        case .changed(let group, let changes):
            return .init(
                label: "before",
                text: "not compared with group \(group): \(changes.joined(separator: ", ")) changed since")
        case .compared(let group, .tooFew(let leastP)):
            return .init(
                label: "before",
                text: "too few runs to be compared with group \(group): they can reach no p below "
                    + "\(probability(leastP)), and 0.01 is needed (5 runs in each)")
        case .compared(let group, .slower(let shift, let p)):
            return .init(
                label: "SLOWER",
                text:
                    "recovery takes \(duration(shift)) longer than in group \(group) (p \(probability(p))), "
                    + "and nothing else is known to have changed", isWarning: true)
        case .compared(let group, .notProven(let shift, let needed, let p)):
            let way = shift < 0 ? "shorter" : "longer"
            return .init(
                label: "before",
                text: "no slowdown is proven since group \(group): \(duration(abs(shift))) \(way), p "
                    + "\(probability(p)) (an alarm needs more than \(duration(needed)) and p below 0.01)")
        }
    }

    private func duration(_ nanoseconds: Double) -> String {
        nanoseconds < 9e18 ? Duration.nanoseconds(Int64(nanoseconds)).forPeople : "endlessly"
    }
}

enum Rounding { case up, down }

/// A whole percentage, rounded to the side that promises less.
func percent(_ share: Double, _ rounding: Rounding) -> String {
    // What is whole but for the last bits is whole.
    let exact = share * 100
    let nearest = exact.rounded()
    if abs(exact - nearest) < 1e-9 { return "\(Int(nearest)) %" }
    return "\(Int(exact.rounded(rounding == .up ? .up : .down))) %"
}

/// `0.0079`, two significant digits, never 0.
func probability(_ p: Double) -> String {
    if p < 0.000_1 { return "under 0.0001" }
    if p >= 0.995 { return "1" }
    let digits = p >= 0.1 ? 100.0 : p >= 0.01 ? 1000 : 10_000
    return "\((p * digits).rounded() / digits)"
}
