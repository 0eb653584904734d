import MusterCore
import MusterDrills

extension Sample.Outcome {
    fileprivate var word: String {
        switch self {
        case .ok: "ok"
        case .slow: "slow"
        case .error: "error"
        case .timeout: "timeout"
        case .unknown: "unknown"
        }
    }
}

extension Story {
    func impactSection() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Impact")]
        let rows = tracks.map { track -> [String] in
            let failed = track.count(\.isDown)
            let known = track.count { $0.outcome != .unknown }
            let latencies = track.latencies
            func latency(_ hundredths: Int) -> String {
                quantile(latencies, hundredths).map { Duration.nanoseconds($0).forPeople } ?? "-"
            }
            return [
                track.name, "\(track.total)", "\(track.count { $0.outcome == .ok })",
                "\(track.count { $0.outcome == .slow })", "\(failed)", "\(track.total - known)",
                percent(known - failed, of: known), latency(50), latency(99), latency(100),
            ]
        }
        if tracks.allSatisfy({ $0.total == 0 }) {
            blocks += summaries
        } else {
            let columns = [
                "Signal", "Samples", "Ok", "Slow", "Failed", "Unknown", "Up", "p50", "p99", "Max",
            ]
            blocks.append(.table(ReportTable(columns, numeric: Set(1...9), rows: rows)))
            blocks.append(
                .paragraph(
                    "Latencies are those of answers, counted from when they were due. Unknown samples are "
                        + "those during which the instrument itself was in trouble; they count for nothing."
                ))
        }
        blocks += sayingsSection()
        if let measurements = judgement?.measurements, !measurements.isEmpty {
            blocks.append(.heading(3, "Measured"))
            let rows = measurements.map {
                [
                    $0.name, $0.subject.isEmpty ? "drill" : $0.subject, $0.interval.lower.forPeople,
                    $0.interval.upper?.forPeople ?? "not seen",
                ]
            }
            blocks.append(
                .table(ReportTable(["Figure", "Of", "Lower", "Upper"], numeric: [2, 3], rows: rows)))
        }
        return blocks
    }

    func availabilitySection() -> [ReportBlock] {
        guard let axis = TimeAxis(self) else { return [] }
        let strip = AvailabilityChart(story: self, axis: axis)
        var blocks: [ReportBlock] = [
            .heading(2, "Availability and latency"),
            .picture(svg: strip.svg, text: strip.text),
        ]
        let shown = tracks.prefix(8)
        for track in shown where track.total > 0 {
            blocks.append(.picture(svg: LatencyChart(story: self, axis: axis, track: track).svg, text: nil))
        }
        if tracks.count > shown.count {
            blocks.append(
                .paragraph("Latency is drawn for the first 8 of \(tracks.count) signals; all are in Impact."))
        }
        blocks.append(.heading(3, "Outages seen"))
        let outages = tracks.flatMap { track in track.outages.map { (track.name, $0) } }
            .sorted { ($0.1.from, $0.0) < ($1.1.from, $1.0) }
        if outages.isEmpty {
            blocks.append(.paragraph("None: no sample failed."))
            return blocks
        }
        let limit = 40
        let rows = outages.prefix(limit).map { name, outage in
            [
                name, sinceZero(outage.from), outage.to.map(sinceZero) ?? "not seen",
                outage.to.map { ($0 - outage.from).forPeople } ?? "-", "\(outage.failures)",
            ]
        }
        let columns = ["Signal", "First failure sent", "Next success in", "Between", "Failed samples"]
        blocks.append(.table(ReportTable(columns, numeric: [1, 2, 3, 4], rows: Array(rows))))
        if outages.count > limit {
            blocks.append(.paragraph("And \(outages.count - limit) more, which the store keeps."))
        }
        blocks.append(
            .paragraph("Times count from \(faults.isEmpty ? "the start of the run" : "the fault")."))
        return blocks
    }

    /// How samples failed, in the words of the probes.
    private func sayingsSection() -> [ReportBlock] {
        guard let codeInWords else { return [] }
        let limit = 8
        var rows: [[String]] = []
        for track in tracks {
            let sayings = track.sayings
            rows += sayings.prefix(limit).map { saying in
                let what = saying.outcome == .timeout ? "no answer in time" : codeInWords(saying.code)
                return [
                    track.name, saying.outcome.word, what, "\(saying.count)", sinceZero(saying.first),
                    sinceZero(saying.last),
                ]
            }
            if sayings.count > limit {
                let others = sayings.dropFirst(limit)
                let count = others.reduce(0) { $0 + $1.count }
                rows.append([track.name, "-", "\(others.count) other kinds", "\(count)", "-", "-"])
            }
        }
        if rows.isEmpty { return [] }
        let columns = ["Signal", "Outcome", "What it saw", "Samples", "First sent", "Last sent"]
        return [
            .heading(3, "How samples went wrong"),
            .table(ReportTable(columns, numeric: [3, 4, 5], rows: rows)),
        ]
    }

    /// Never rounded up to 100 %.
    private func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "-" }
        let hundredths = part * 10_000 / whole
        let fraction = hundredths % 100
        return "\(hundredths / 100)." + (fraction < 10 ? "0" : "") + "\(fraction) %"
    }
}

extension Story {
    /// Instead of the samples, where those were not kept.
    fileprivate var summaries: [ReportBlock] {
        let known = outcome.summaries.filter { $0.total > 0 }
        guard !known.isEmpty else { return [.paragraph("No samples were recorded.")] }
        let rows = known.map { summary -> [String] in
            [
                summary.name + (summary.writer.map { " \($0)" } ?? ""), "\(summary.total)", "\(summary.ok)",
                "\(summary.slow)", "\(summary.failed)", "\(summary.unknown)",
                summary.latency?.median.forPeople ?? "-", summary.latency?.p99.forPeople ?? "-",
                summary.latency?.maximum.forPeople ?? "-", summary.lateness?.p99.forPeople ?? "-",
            ]
        }
        let columns = [
            "Signal", "Samples", "Ok", "Slow", "Failed", "Unknown", "p50", "p99", "Max", "Late p99",
        ]
        return [
            .table(ReportTable(columns, numeric: Set(1...9), rows: rows)),
            .paragraph(
                "The samples themselves were not kept (--keep-samples none), so there are no charts of them."),
        ]
    }
}
