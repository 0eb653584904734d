import MusterCore

/// What the samples of one signal said, over all the time that is looked at, in a fixed number of stretches: when there
/// are too many, each is made twice as long.
struct AvailabilityStrip: Sendable {
    struct Bin: Hashable, Sendable {
        var up = 0
        var down = 0
        var unknown = 0

        /// `=` up, `x` down, `~` some of both, `?` only what the instrument did not know, a space for nothing at all.
        var mark: Character {
            if up > 0 { return down > 0 ? "~" : "=" }
            if down > 0 { return "x" }
            return unknown > 0 ? "?" : " "
        }

        static func + (lhs: Bin, rhs: Bin) -> Bin {
            Bin(up: lhs.up + rhs.up, down: lhs.down + rhs.down, unknown: lhs.unknown + rhs.unknown)
        }
    }

    private static let most = 1024

    let start: Instant
    private var width = Duration.milliseconds(50)
    private var bins: [Bin] = []

    init(start: Instant) { self.start = start }

    /// By when the sample was over: that is when it was known.
    mutating func add(_ sample: Sample) {
        guard sample.finished >= start else { return }
        var index = Int((sample.finished - start).nanoseconds / width.nanoseconds)
        while index >= Self.most {
            bins = stride(from: 0, to: bins.count, by: 2).map {
                $0 + 1 < bins.count ? bins[$0] + bins[$0 + 1] : bins[$0]
            }
            width = width * 2
            index /= 2
        }
        while bins.count <= index { bins.append(Bin()) }
        if sample.isUp {
            bins[index].up += 1
        } else if sample.isDown {
            bins[index].down += 1
        } else {
            bins[index].unknown += 1
        }
    }

    /// The marks of `count` stretches of `length` each, the first of which begins at `from`.
    func marks(from: Instant, length: Duration, count: Int) -> String {
        var columns = [Bin](repeating: Bin(), count: max(0, count))
        for (index, bin) in bins.enumerated() where bin != Bin() {
            let at = start + width * index - from
            // Of what lies across an edge, the part before it.
            guard at + width > .zero else { continue }
            let column = Int(max(0, at.nanoseconds) / max(1, length.nanoseconds))
            if column < columns.count { columns[column] = columns[column] + bin }
        }
        return String(columns.map(\.mark))
    }

    /// No column may be narrower than this: between two of them there would be nothing to see.
    var resolution: Duration { width }
}
