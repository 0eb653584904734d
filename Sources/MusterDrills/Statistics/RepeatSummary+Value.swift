public import MusterCore

/// The summary as data, for `--json`.
extension RepeatSummary {
    public var value: Value {
        var map: [String: Value] = [
            "group": .text(group.id), "drill": .text(group.drill), "runs": .int(Int64(group.members.count)),
            "outcomes": .list(group.members.map { .int(Int64($0.number)) }),
            "passed": .int(Int64(verdicts.met)), "failed": .int(Int64(verdicts.missed)),
            "inconclusive": .int(Int64(verdicts.inconclusive - errors - unjudged)),
            "errors": .int(Int64(errors)), "unjudged": .int(Int64(unjudged)),
            "aborted": .int(Int64(aborted)), "confidence": .double(Self.confidence),
            "objectives": .list(objectives.map(\.value)), "recovery": recovery.value,
            "predictions": .list(predictions.map(\.value)),
            "changedWithin": .list(group.changesWithin.map { .text($0) }),
            "lines": .list(lines.map { ["label": .text($0.label), "text": .text($0.text)] }),
        ]
        if let phase = group.phase {
            map["wanted"] = .int(Int64(phase.count))
            map["seed"] = .int(phase.seed)
            map["phaseNanoseconds"] = .int(phase.window.nanoseconds)
        }
        map["losses"] =
            losses.map {
                [
                    "least": .int(Int64($0.least)), "most": .int(Int64($0.most)),
                    "knownRuns": .int(Int64($0.knownRuns)), "unknownRuns": .int(Int64($0.unknownRuns)),
                ]
            } ?? .null
        map["trend"] =
            trend.map {
                [
                    "s": .int(Int64($0.s)), "p": .double($0.p),
                    "slopeNanoseconds": .int(Int64($0.slope * 1e9)),
                ]
            } ?? .null
        map["comparison"] = comparison?.value ?? .null
        return .map(map)
    }
}

extension RepeatSummary.ObjectiveRate {
    var value: Value {
        [
            "name": .text(name), "objective": .text(objective), "met": .int(Int64(met)),
            "missed": .int(Int64(missed)), "inconclusive": .int(Int64(inconclusive)),
            "successRateAtLeast": .double(atLeast), "successRateAtMost": .double(atMost),
        ]
    }
}

extension RepeatSummary.PredictionRate {
    var value: Value {
        [
            "name": .text(name), "predicted": .text(predicted), "within": .int(Int64(within)),
            "outside": .int(Int64(outside)), "unknown": .int(Int64(unknown)),
        ]
    }
}

extension RepeatSummary.Comparison {
    var value: Value {
        switch self {
        case .changed(let group, let changes):
            ["group": .text(group), "result": "changed", "changes": .list(changes.map { .text($0) })]
        case .compared(let group, .tooFew(let leastP)):
            ["group": .text(group), "result": "too-few", "leastP": .double(leastP)]
        case .compared(let group, .slower(let shift, let p)):
            ["group": .text(group), "result": "slower", "shiftNanoseconds": whole(shift), "p": .double(p)]
        case .compared(let group, .notProven(let shift, let needed, let p)):
            [
                "group": .text(group), "result": "not-proven", "shiftNanoseconds": whole(shift),
                "neededNanoseconds": whole(needed), "p": .double(p),
            ]
        }
    }

    /// null for what has no end.
    private func whole(_ nanoseconds: Double) -> Value {
        abs(nanoseconds) < 9e18 ? .int(Int64(nanoseconds)) : .null
    }
}

extension RecoveryFigures {
    var value: Value {
        [
            "withoutOutage": .int(Int64(withoutOutage)), "notSeenToRecover": .int(Int64(notSeenToRecover)),
            "unproven": .int(Int64(unproven)), "median": median.value, "shortest": shortest.value,
            "longest": longest.value,
            "medianAtMostNanoseconds": medianAtMost.map { .int($0.nanoseconds) } ?? .null,
            "medianBetween": medianBetween?.value ?? .null,
            "medianCoverage": coverage.map { .double($0) } ?? .null,
            "shareWithinLongest": longest.isCensored ? .null : .double(shareWithinLongest),
            "kaplanMeier": curve.map(kaplanMeier) ?? .null,
        ]
    }

    private func kaplanMeier(_ curve: KaplanMeier) -> Value {
        [
            "medianSeconds": curve.median.map { .double($0) } ?? .null,
            "p90Seconds": curve.quantile(0.9).map { .double($0) } ?? .null,
            "watchedSeconds": .double(watched.inSeconds),
            "restrictedMeanSeconds": .double(curve.restrictedMean(until: watched.inSeconds)),
            "steps": .list(
                curve.steps.map {
                    [
                        "seconds": .double($0.time), "atRisk": .int(Int64($0.atRisk)),
                        "notRecovered": .double($0.survival), "standardError": .double($0.standardError),
                    ]
                }),
        ]
    }
}

extension Interval {
    /// `upperNanoseconds` is null where the end was not seen.
    fileprivate var value: Value {
        [
            "lowerNanoseconds": .int(lowerNanoseconds),
            "upperNanoseconds": upperNanoseconds.map { .int($0) } ?? .null,
        ]
    }
}
