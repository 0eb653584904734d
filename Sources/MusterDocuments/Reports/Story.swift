import MusterCore
import MusterDrills

/// The outcome with what several sections need worked out once.
struct Story {
    let outcome: Outcome
    let tracks: [Track]
    let faults: [FaultWindow]
    /// Where the axes of charts and the column "since fault" have their zero.
    let zero: Instant
    let localOffset: (@Sendable (Int64) -> Int)?
    let chainRoot: String?
    /// What a sample's code means; nil where nobody can tell.
    let codeInWords: (@Sendable (Int32) -> String)?

    /// When a fault was there: shaded in charts.
    struct FaultWindow {
        var name: String
        /// When the injection was certainly not done yet, at its latest.
        var from: Instant
        /// When it was lifted; nil for what is over as soon as it is done, such as a kill.
        var to: Instant?
    }

    init(
        _ outcome: Outcome, localOffset: (@Sendable (Int64) -> Int)?, chainRoot: String?,
        codeInWords: (@Sendable (Int32) -> String)? = nil
    ) {
        self.codeInWords = codeInWords
        self.outcome = outcome
        self.localOffset = localOffset
        self.chainRoot = chainRoot
        tracks = Track.tracks(outcome.signals)
        faults = outcome.events.filter { $0.kind == .injected }.map { event in
            let lifted = outcome.events.first {
                $0.kind == .lifted && $0.subject == event.subject && $0.at >= event.at
            }
            return FaultWindow(
                name: event.subject, from: event.bracket?.lower ?? event.at,
                to: lifted.map { $0.bracket?.upper ?? $0.at })
        }
        zero = faults.map(\.from).min() ?? outcome.header.startedAt
    }

    var header: RunHeader { outcome.header }
    var judgement: Judgement? { outcome.closing?.judgement }
    var ending: Ending { outcome.closing?.ending ?? .interrupted }

    /// The verdict in capitals, or what there is instead.
    var verdictText: String { judgement?.verdict.rawValue.uppercased() ?? "INTERRUPTED" }
    var tone: Tone {
        switch judgement?.verdict {
        case .pass: .good
        case .fail, .error: .bad
        case .inconclusive, nil: .doubtful
        }
    }

    func utc(_ instant: Instant) -> Int64 {
        header.startedAtUTC + (instant - header.startedAt).nanoseconds
    }

    /// `+1.234 s`, counted from the fault.
    func sinceZero(_ instant: Instant) -> String {
        let difference = (instant - zero).nanoseconds
        let sign = difference < 0 ? "-" : "+"
        let milliseconds = (abs(difference) + 500_000) / 1_000_000
        let fraction = String(milliseconds % 1000)
        return sign + "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
            + " s"
    }

    /// The local time of day with its offset; nil when nobody said which offset holds.
    func local(_ utcNanoseconds: Int64) -> String? {
        localOffset.map { localTime(utcNanoseconds, offset: $0(utcNanoseconds)) }
    }
}

/// `14:03:05.123 +01:00`.
/// - Parameter offset: seconds east of UTC.
func localTime(_ utcNanoseconds: Int64, offset seconds: Int) -> String {
    let minutes = abs(seconds) / 60
    let shown = civilText(nanoseconds: utcNanoseconds + Int64(seconds) * 1_000_000_000)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return shown.dropFirst(11) + (seconds < 0 ? " -" : " +") + two(minutes / 60) + ":" + two(minutes % 60)
}
