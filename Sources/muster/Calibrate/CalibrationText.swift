import MusterCalibration
import MusterCore
import MusterDrills

/// A calibration on a terminal, and as JSON.
struct CalibrationText {
    let report: CalibrationReport
    let record: CalibrationRecord
    private var bar: CalibrationBar { CalibrationBar(every: report.every) }

    init(_ report: CalibrationReport, _ record: CalibrationRecord) {
        self.report = report
        self.record = record
    }

    func show() {
        Terminal.line()
        var table = Table("OUTAGE", "TRUE", "UNSEEN", "MEDIAN WIDTH", "ALLOWED", "WIDEST", "ALLOWED")
        for figures in report.modes where figures.trials > 0 {
            let mode = figures.mode
            table.add(
                mode.rawValue, "\(figures.covered + figures.unseen) of \(figures.trials)",
                figures.unseen == 0 ? "-" : "\(figures.unseen)", width(figures.median, figures),
                mode.hasWidth ? bar.median(of: mode).forPeople : "-", width(figures.widest, figures),
                mode.hasWidth ? bar.widest(of: mode).forPeople : "-")
        }
        Terminal.line(table.text(width: Terminal.width))
        Terminal.line()
        Terminal.labelled(
            "coverage",
            "\(record.coverageText): the truth lay in the bounds \(record.covered) of \(record.trials) times"
                + disturbed)
        Terminal.labelled(
            "lateness",
            "of probes: median \(record.lagP50.forPeople), p99 \(record.lagP99.forPeople), at most "
                + "\(record.lagMax.forPeople); of a thread that only sleeps: p99 "
                + report.witness.value(0.99).forPeople)
        Terminal.labelled(
            "ledgers", "\(record.ledgersExact) of \(record.ledgers) named exactly what was lost, key by key")
        for sabotage in Sabotage.allCases {
            guard let entry = report.sabotages[sabotage] else { continue }
            Terminal.labelled(
                "sabotage",
                "\(sabotage.words): noticed \(entry.flagged) of \(entry.done) times"
                    + (entry.said.isEmpty ? "" : ": \(entry.said)"))
        }
        for miss in report.misses.prefix(20) { Terminal.labelled("MISSED", miss, .red) }
        if report.misses.count > 20 { Terminal.line("         and \(report.misses.count - 20) more") }
        Terminal.line()
        let style: Terminal.Style =
            switch record.result {
            case .pass: .green
            case .fail: .red
            case .inconclusive: .yellow
            }
        Terminal.labelled(record.result.rawValue.uppercased(), conclusion, style, .bold)
    }

    /// What was missed stands above already.
    private var conclusion: String {
        if report.misses.isEmpty { return record.reason }
        let what = report.misses.count == 1 ? "what was missed is" : "the \(report.misses.count) misses are"
        return "\(what) a bug in muster, however busy the machine is: please report it with all of the above"
    }

    private var disturbed: String {
        report.disturbed == 0 ? "" : "; \(report.disturbed) do not count, the liars themselves stood still"
    }

    private func width(_ width: Duration?, _ figures: ModeFigures) -> String {
        guard figures.mode.hasWidth, figures.isMeasured else { return "-" }
        return width?.forPeople ?? "not closed"
    }

    var value: Value {
        let modes = report.modes.map { figures -> Value in
            [
                "mode": .text(figures.mode.rawValue), "trials": .int(Int64(figures.trials)),
                "covered": .int(Int64(figures.covered)), "unseen": .int(Int64(figures.unseen)),
                "missed": .int(Int64(figures.missed)), "openEnded": .int(Int64(figures.openEnded)),
                "medianNanoseconds": .of(figures.median), "maxNanoseconds": .of(figures.widest),
                "withinBar": .bool(bar.isKept(by: figures)),
            ]
        }
        return [
            "result": .text(record.result.rawValue), "reason": .text(record.reason),
            "host": .text(record.host), "kernel": .text(record.kernel), "muster": .text(record.toolVersion),
            "finishedAt": .text(utcText(nanoseconds: record.finishedAtUTC)), "place": .text(record.place),
            "seed": .text(String(record.seed)), "everyNanoseconds": .int(record.every.nanoseconds),
            "trials": .int(Int64(record.trials)), "covered": .int(Int64(record.covered)),
            "disturbed": .int(Int64(report.disturbed)), "medianNanoseconds": .of(record.medianWidth),
            "maxNanoseconds": .of(record.widest),
            "lag": [
                "p50": .int(record.lagP50.nanoseconds), "p99": .int(record.lagP99.nanoseconds),
                "max": .int(record.lagMax.nanoseconds),
            ],
            "witnessP99Nanoseconds": .int(report.witness.value(0.99).nanoseconds),
            "isBusy": .bool(report.isBusy), "ledgers": .int(Int64(record.ledgers)),
            "ledgersExact": .int(Int64(record.ledgersExact)), "sabotages": .int(Int64(record.sabotages)),
            "sabotagesFlagged": .int(Int64(record.sabotagesFlagged)),
            "misses": .list(report.misses.map { .text($0) }), "modes": .list(modes),
        ]
    }
}

extension Value {
    fileprivate static func of(_ duration: Duration?) -> Value {
        duration.map { .int($0.nanoseconds) } ?? .null
    }
}
