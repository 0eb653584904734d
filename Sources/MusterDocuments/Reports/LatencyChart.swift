import Glibc
import MusterCore
import MusterDrills

/// Latency of answers over time on a logarithmic axis. Failures are gaps with marks above them, never zeros:
/// a failure has no latency.
struct LatencyChart {
    let story: Story
    let axis: TimeAxis
    let track: Track
    private static let top = 36
    private static let bottom = 172
    /// Up to so many answers each has its dot; beyond, columns show least, median and greatest.
    private static let dotLimit = 1500

    var svg: String {
        var svg = openSVG(
            Self.bottom + 28,
            label: "Latency of \(visible(track.name)) over time; quantiles are in the tables")
        svg += "<text class=\"name\" x=\"0\" y=\"14\">\(HTMLWriter.escape(shortened(track.name)))</text>"
        svg += "<text x=\"0\" y=\"30\">latency</text>"
        let answers = track.signals.flatMap { $0.samples.filter(\.isUp) }
            .map { (at: $0.started, took: max(1000, ($0.finished - $0.due).nanoseconds)) }
        svg += axis.faults(top: 8, bottom: Self.bottom, named: false)
        if let least = answers.map(\.took).min(), let greatest = answers.map(\.took).max() {
            let scale = LogScale(least: least, greatest: greatest, top: Self.top, bottom: Self.bottom)
            svg += scale.grid
            svg += answers.count <= Self.dotLimit ? dots(answers, scale) : columns(answers, scale)
        } else {
            svg += "<text x=\"\(TimeAxis.left + 10)\" y=\"96\">no answers</text>"
        }
        return svg + failures + axis.ticks(y: Self.bottom) + "</svg>"
    }

    /// One mark for each column in which something failed, with the count for those who point at it.
    private var failures: String {
        var columns = Set<Int>()
        for signal in track.signals {
            for sample in signal.samples where sample.isDown { columns.insert(axis.column(sample.started)) }
        }
        if columns.isEmpty { return "" }
        let path = columns.sorted().map { "M\(TimeAxis.left + $0 * 2 + 1) 10v10" }.joined()
        return "<path class=\"failures\" d=\"\(path)\"><title>\(track.count(\.isDown)) failed</title></path>"
            + "<text x=\"\(TimeAxis.left - 6)\" y=\"19\" text-anchor=\"end\">failed</text>"
    }

    private func dots(_ answers: [(at: Instant, took: Int64)], _ scale: LogScale) -> String {
        let path = answers.map { "M\(number(axis.x($0.at))) \(number(scale.y($0.took)))h0" }.joined()
        return "<path class=\"points\" d=\"\(path)\"/>"
    }

    private func columns(_ answers: [(at: Instant, took: Int64)], _ scale: LogScale) -> String {
        var columns = [[Int64]](repeating: [], count: TimeAxis.columns)
        for answer in answers { columns[axis.column(answer.at)].append(answer.took) }
        var band = ""
        var median = ""
        var isBroken = true
        for (column, values) in columns.enumerated() {
            let sorted = values.sorted()
            guard let least = sorted.first, let greatest = sorted.last else {
                isBroken = true
                continue
            }
            let x = TimeAxis.left + column * 2 + 1
            let (high, low) = (scale.y(greatest), scale.y(least))
            band += "M\(x) \(number(high))V\(number(max(low, high + 1)))"
            let middle = number(scale.y(sorted[(sorted.count - 1) / 2]))
            median += isBroken ? "M\(x) \(middle)h1" : "L\(x) \(middle)"
            isBroken = false
        }
        return "<path class=\"band\" d=\"\(band)\"/><path class=\"median\" d=\"\(median)\"/>"
            + "<text x=\"\(TimeAxis.width - TimeAxis.right)\" y=\"\(Self.top - 4)\" text-anchor=\"end\">"
            + "line: median, band: least to greatest</text>"
    }
}

/// Whole decades from below the least to above the greatest value.
private struct LogScale {
    let decades: ClosedRange<Int>
    let top: Int
    let bottom: Int

    init(least: Int64, greatest: Int64, top: Int, bottom: Int) {
        let low = Int(log10(Double(least)).rounded(.down))
        let high = Int(log10(Double(greatest)).rounded(.up))
        decades = low...max(low + 1, high)
        self.top = top
        self.bottom = bottom
    }

    func y(_ nanoseconds: Int64) -> Double {
        let share =
            (log10(Double(nanoseconds)) - Double(decades.lowerBound))
            / Double(decades.upperBound - decades.lowerBound)
        return Double(bottom) - share * Double(bottom - top)
    }

    var grid: String {
        var svg = ""
        var value: Int64 = 1
        for _ in 0..<decades.lowerBound { value *= 10 }
        for _ in decades {
            let y = number(y(value))
            svg +=
                "<path class=\"grid\" d=\"M\(TimeAxis.left) \(y)h\(TimeAxis.columns * 2)\"/>"
                + "<text x=\"\(TimeAxis.left - 6)\" y=\"\(number(self.y(value) + 4))\" text-anchor=\"end\">"
                + "\(Duration.nanoseconds(value).forPeople)</text>"
            if value < Int64.max / 10 { value *= 10 }
        }
        return svg
    }
}
