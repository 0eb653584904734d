import MusterCore

/// The horizontal axis that all charts of a report share, cut into columns of two units.
struct TimeAxis {
    static let left = 120
    static let right = 16
    static let columns = 412
    static var width: Int { left + columns * 2 + right }

    let start: Instant
    let end: Instant
    let story: Story

    /// nil when there are no samples.
    init?(_ story: Story) {
        guard let first = story.tracks.compactMap(\.first).min(),
            let last = story.tracks.compactMap(\.last).max(), first < last
        else { return nil }
        start = first
        end = last
        self.story = story
    }

    private var span: Int64 { (end - start).nanoseconds }

    /// The column in which an instant lies, clamped to what is shown.
    func column(_ instant: Instant) -> Int {
        let offset = Double((instant - start).nanoseconds) / Double(span)
        return min(Self.columns - 1, max(0, Int(offset * Double(Self.columns))))
    }

    func x(_ instant: Instant) -> Double {
        let offset = Double((instant - start).nanoseconds) / Double(span)
        return Double(Self.left) + min(1, max(0, offset)) * Double(Self.columns * 2)
    }

    /// Shading while a fault was there, a line where it struck, and its name.
    func faults(top: Int, bottom: Int, named: Bool) -> String {
        var svg = ""
        for fault in story.faults where fault.from <= end {
            let x = x(fault.from)
            if let to = fault.to {
                svg +=
                    "<rect class=\"fault\" x=\"\(number(x))\" y=\"\(top)\" "
                    + "width=\"\(number(max(1, self.x(to) - x)))\" height=\"\(bottom - top)\"/>"
                svg += line("mended", self.x(to), top, bottom)
            }
            svg += line("moment", x, top, bottom)
            if named {
                let isRight = x > Double(Self.width) * 0.8
                svg +=
                    "<text x=\"\(number(x + (isRight ? -4 : 4)))\" y=\"\(top + 10)\""
                    + (isRight ? " text-anchor=\"end\"" : "")
                    + ">fault: \(HTMLWriter.escape(fault.name))</text>"
            }
        }
        return svg
    }

    /// Ticks at round seconds since the fault.
    func ticks(y: Int) -> String {
        let step = niceStep(span / 8)
        let zero = story.zero.nanoseconds
        var at = zero + ((start.nanoseconds - zero) / step) * step
        var svg = ""
        while at <= end.nanoseconds {
            defer { at += step }
            guard at >= start.nanoseconds else { continue }
            let x = number(x(Instant(nanoseconds: at)))
            svg +=
                "<path class=\"grid\" d=\"M\(x) \(y)v5\"/>"
                + "<text x=\"\(x)\" y=\"\(y + 18)\" text-anchor=\"middle\">\(label(at - zero))</text>"
        }
        return svg
    }

    private func label(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return story.faults.isEmpty ? "start" : "0 s" }
        return (nanoseconds > 0 ? "+" : "") + Duration.nanoseconds(nanoseconds).forPeople
    }

    private func line(_ kind: String, _ x: Double, _ top: Int, _ bottom: Int) -> String {
        "<path class=\"\(kind)\" d=\"M\(number(x)) \(top)V\(bottom)\"/>"
    }

    /// 1, 2 or 5 times a power of ten, at least `least`.
    private func niceStep(_ least: Int64) -> Int64 {
        var power: Int64 = 1
        while power <= Int64.max / 100, power * 10 <= least { power *= 10 }
        for factor: Int64 in [1, 2, 5] where power * factor >= least { return max(1, power * factor) }
        return power * 10
    }
}

/// A coordinate with at most one decimal.
func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
}
