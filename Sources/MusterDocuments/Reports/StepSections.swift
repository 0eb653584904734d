import MusterCore
import MusterDrills

extension Story {
    /// One step of a runbook as it was carried out.
    struct StepBar {
        var name: String
        var kind: String
        var from: Instant
        var to: Instant
        var machine: Duration
        /// From being shown to a person until that person began.
        var wait: Duration
        var work: Duration
        var isGood: Bool
        /// What the event says.
        var text: String

        init(_ event: Event) {
            func time(_ key: String) -> Duration? { event.detail[key]?.asInt.map { .nanoseconds($0) } }
            name = event.subject
            kind = event.detail["kind"]?.asText ?? ""
            from = event.bracket?.lower ?? event.at
            to = event.bracket?.upper ?? event.at
            wait = time("humanWaitNanoseconds") ?? .zero
            work = time("humanWorkNanoseconds") ?? .zero
            // Outcomes from before people had a part in runbooks know one time only.
            machine = time("machineNanoseconds") ?? time("nanoseconds") ?? to - from
            isGood = event.detail["ok"]?.asBool ?? true
            text = event.text
        }

        var total: Duration { machine + wait + work }
    }

    var stepBars: [StepBar] { outcome.events.filter { $0.kind == .runbookStep }.map { StepBar($0) } }

    /// How the recovery was started, and what its steps took.
    func recoverySection() -> [ReportBlock] {
        let bars = stepBars
        let usesRunbook = outcome.events.contains { $0.kind == .runbookStarted }
        let people = bars.filter { $0.kind == "manual" }.count
        var how =
            usesRunbook
            ? "Recovery was scripted: the drill itself ran a runbook, so nobody had to notice anything first."
            : "The drill ran no runbook: whatever recovered did so without its help."
        if people > 0 { how += " \(people == 1 ? "One step was" : "\(people) steps were") for people." }
        var blocks: [ReportBlock] = [.heading(2, "Response and recovery"), .paragraph(how)]
        if !bars.isEmpty { blocks += stepTimes(bars) }
        let failed = outcome.events.filter { $0.kind == .stepFinished }
        if !failed.isEmpty {
            let rows = failed.map { event in
                [
                    sinceZero(event.bracket?.lower ?? event.at), sinceZero(event.bracket?.upper ?? event.at),
                    event.subject, event.text,
                ]
            }
            blocks.append(.table(ReportTable(["From", "To", "Step", "What"], numeric: [0, 1], rows: rows)))
        }
        return blocks
    }

    /// What the steps took, as a table and a chart.
    func stepTimes(_ bars: [StepBar], heading: String = "Time by step") -> [ReportBlock] {
        func shown(_ duration: Duration) -> String { duration == .zero ? "-" : duration.forPeople }
        let all = bars.reduce(Duration.zero) { $0 + $1.total }
        func share(_ duration: Duration) -> String {
            all == .zero ? "-" : "\(Int((duration.inSeconds / all.inSeconds * 100).rounded())) %"
        }
        var rows = bars.map { bar in
            [
                sinceZero(bar.from), bar.name, shown(bar.total), share(bar.total), shown(bar.machine),
                shown(bar.wait), shown(bar.work), bar.text,
            ]
        }
        let sums = [\StepBar.machine, \.wait, \.work].map { part in
            bars.reduce(Duration.zero) { $0 + $1[keyPath: part] }
        }
        rows.append(["", "all steps", shown(all), "100 %"] + sums.map(shown) + [""])
        let columns = ["From", "Step", "Took", "Share", "Machine", "Human wait", "Human work", "What"]
        let chart = StepChart(story: self, bars: bars)
        return [
            .heading(3, heading),
            .table(ReportTable(columns, numeric: [0, 2, 3, 4, 5, 6], rows: rows)),
            .picture(svg: chart.svg, text: chart.text),
            .paragraph(
                "Machine: programs, and the time between their attempts. Human wait: from being shown a step until "
                    + "somebody began it. Human work: from there until the answer."),
        ]
    }
}

/// The steps of runbooks one below the other, over time.
struct StepChart {
    let story: Story
    let bars: [Story.StepBar]
    private static let rowHeight = 26

    private enum Part: CaseIterable {
        case machine, failed, wait, work

        var look: String {
            switch self {
            case .machine: "up"
            case .failed: "down"
            case .wait: "doubt"
            case .work: "work"
            }
        }
        var letter: Character {
            switch self {
            case .machine: "="
            case .failed: "X"
            case .wait: "."
            case .work: "#"
            }
        }
        var words: String {
            switch self {
            case .machine: "machine"
            case .failed: "did not succeed"
            case .wait: "human wait"
            case .work: "human work"
            }
        }
    }

    private var start: Instant { bars.map(\.from).min() ?? story.zero }
    private var span: Int64 { max(1, ((bars.map(\.to).max() ?? start) - start).nanoseconds) }

    /// What a bar is made of, as places from 0 to 1.
    private func parts(_ bar: Story.StepBar) -> [(part: Part, from: Double, to: Double)] {
        func place(_ instant: Instant) -> Double {
            min(1, max(0, Double((instant - start).nanoseconds) / Double(span)))
        }
        let waited = min(bar.to, bar.from + bar.wait)
        let worked = min(bar.to, waited + bar.work)
        let last: Part = bar.isGood ? .machine : .failed
        let found: [(Part, Instant, Instant)] = [
            (.wait, bar.from, waited), (.work, waited, worked), (last, worked, bar.to),
        ]
        return found.filter { $0.0 == last && (bar.kind != "manual" || !bar.isGood) || $0.1 < $0.2 }
            .map { ($0.0, place($0.1), place($0.2)) }
    }

    var svg: String {
        let wide = Double(TimeAxis.columns * 2)
        let bottom = 8 + bars.count * Self.rowHeight
        var svg = openSVG(bottom + 50, label: "Steps of the runbook over time; the table above says the same")
        for (index, bar) in bars.enumerated() {
            let y = 8 + index * Self.rowHeight
            svg +=
                "<text class=\"name\" x=\"0\" y=\"\(y + 14)\">\(HTMLWriter.escape(shortened(bar.name)))</text>"
            for part in parts(bar) {
                svg +=
                    "<rect class=\"\(part.part.look)\" x=\"\(number(Double(TimeAxis.left) + part.from * wide))\" "
                    + "y=\"\(y)\" width=\"\(number(max(2, (part.to - part.from) * wide)))\" height=\"18\"/>"
            }
        }
        for (place, anchor) in [(0.0, "start"), (1.0, "end")] {
            let at = start + .nanoseconds(Int64(place * Double(span)))
            svg +=
                "<text x=\"\(number(Double(TimeAxis.left) + place * wide))\" y=\"\(bottom + 16)\" "
                + "text-anchor=\"\(anchor)\">\(story.sinceZero(at))</text>"
        }
        var x = TimeAxis.left
        for part in Part.allCases {
            svg +=
                "<rect class=\"\(part.look)\" x=\"\(x)\" y=\"\(bottom + 27)\" width=\"14\" height=\"10\"/>"
                + "<text x=\"\(x + 19)\" y=\"\(bottom + 36)\">\(part.words)</text>"
            x += 40 + part.words.count * 7
        }
        return svg + "</svg>"
    }

    /// The same in 64 letters, for readers of Markdown.
    var text: String {
        let width = 64
        let label = bars.map { shortened($0.name).count }.max() ?? 0
        var lines = bars.map { bar -> String in
            var letters = [Character](repeating: " ", count: width)
            for part in parts(bar) {
                let from = min(width - 1, Int(part.from * Double(width)))
                let to = max(from + 1, min(width, Int(part.to * Double(width))))
                for index in from..<to { letters[index] = part.part.letter }
            }
            let name = shortened(bar.name)
            let line = name + String(repeating: " ", count: label - name.count + 2) + String(letters)
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        lines.append("")
        lines.append(Part.allCases.map { "\($0.letter) \($0.words)" }.joined(separator: "   "))
        return lines.joined(separator: "\n")
    }
}
