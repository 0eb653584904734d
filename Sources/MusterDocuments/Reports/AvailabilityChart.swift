import MusterCore
import MusterDrills

/// One bar for each signal: when it was up. What was bad in a column decides the column's colour, so that a
/// single failure among 100,000 samples stays visible.
struct AvailabilityChart {
    /// In rising order of what a reader must see.
    enum Look: Int, Comparable, CaseIterable {
        case silent, up, slow, unknown, down
        static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }

        init(_ outcome: Sample.Outcome) {
            switch outcome {
            case .ok: self = .up
            case .slow: self = .slow
            case .error, .timeout: self = .down
            case .unknown: self = .unknown
            }
        }
        var letter: Character {
            switch self {
            case .silent: " "
            case .up: "="
            case .slow: "~"
            case .unknown: "?"
            case .down: "X"
            }
        }
    }

    let story: Story
    let axis: TimeAxis
    private static let top = 20
    private static let rowHeight = 30

    var svg: String {
        let rows = story.tracks
        let bottom = Self.top + rows.count * Self.rowHeight
        let height = bottom + 50
        var svg = openSVG(
            height, label: "Availability of each signal over time; the table below says the same")
        for (index, track) in rows.enumerated() {
            let y = Self.top + index * Self.rowHeight + 4
            svg +=
                "<text class=\"name\" x=\"0\" y=\"\(y + 15)\">\(HTMLWriter.escape(shortened(track.name)))</text>"
            var column = 0
            let looks = Self.looks(track, axis)
            while column < looks.count {
                var end = column + 1
                while end < looks.count, looks[end] == looks[column] { end += 1 }
                svg +=
                    "<rect class=\"\(looks[column])\" x=\"\(TimeAxis.left + column * 2)\" y=\"\(y)\" "
                    + "width=\"\((end - column) * 2)\" height=\"22\"/>"
                column = end
            }
        }
        svg += axis.faults(top: 4, bottom: bottom + 4, named: true)
        svg += axis.ticks(y: bottom + 4) + legend(y: height - 14)
        return svg + "</svg>"
    }

    /// The same in 64 letters, for readers of Markdown.
    var text: String {
        let width = 64
        let label = story.tracks.map { shortened($0.name).count }.max() ?? 0
        func padded(_ text: String) -> String {
            text + String(repeating: " ", count: max(0, label - text.count)) + "  "
        }
        var lines = story.tracks.map { track -> String in
            let looks = Self.looks(track, axis)
            return padded(shortened(track.name))
                + String(
                    (0..<width).map { letter in
                        let from = letter * looks.count / width
                        let to = max(from + 1, (letter + 1) * looks.count / width)
                        return (looks[from..<to].max() ?? .silent).letter
                    })
        }
        var marks = [Character](repeating: " ", count: width)
        for fault in story.faults where fault.from <= axis.end {
            let from = axis.column(fault.from) * width / TimeAxis.columns
            let to = fault.to.map { axis.column($0) * width / TimeAxis.columns } ?? from
            for index in from...max(from, to) { marks[index] = "-" }
            marks[from] = "^"
        }
        let line = (padded("fault") + String(marks)).reversed().drop { $0 == " " }.reversed()
        lines.append(String(line))
        let (start, end) = (story.sinceZero(axis.start), story.sinceZero(axis.end))
        lines.append(
            padded("") + start + String(repeating: " ", count: max(1, width - start.count - end.count)) + end)
        lines.append("")
        lines.append("= up   ~ slow   X down   ? unknown   ^ fault, --- held")
        return lines.joined(separator: "\n")
    }

    /// What each column shows: the worst of all writers.
    static func looks(_ track: Track, _ axis: TimeAxis) -> [Look] {
        var looks = [Look](repeating: .silent, count: TimeAxis.columns)
        for signal in track.signals {
            // A look holds until the next one, but not for longer than it took or two periods.
            let hold = signal.every * 2
            var later = signal.samples.makeIterator()
            _ = later.next()
            for sample in signal.samples {
                let look = Look(sample.outcome)
                var until = max(sample.started + hold, sample.finished)
                if let next = later.next() { until = min(until, next.started) }
                let from = axis.column(sample.started)
                let to = max(from, axis.column(until) - 1)
                for column in from...to { looks[column] = max(looks[column], look) }
            }
        }
        return looks
    }

    private func legend(y: Int) -> String {
        var svg = ""
        var x = TimeAxis.left
        for (look, text) in [
            (Look.up, "up"), (.slow, "slow"), (.down, "down"), (.unknown, "unknown"),
            (.silent, "not looked at"),
        ] {
            svg +=
                "<rect class=\"\(look)\" x=\"\(x)\" y=\"\(y - 9)\" width=\"14\" height=\"10\"/>"
                + "<text x=\"\(x + 19)\" y=\"\(y)\">\(text)</text>"
            x += 40 + text.count * 7
        }
        return svg
    }
}

func openSVG(_ height: Int, label: String) -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(TimeAxis.width) \(height)\" role=\"img\" "
        + "aria-label=\"\(HTMLWriter.escape(label))\">"
}

func shortened(_ name: String) -> String {
    let name = visible(name)
    return name.count <= 15 ? name : name.prefix(14) + "…"
}
