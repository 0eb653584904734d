import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Reports of game days as files: `runbooks/reports/gameday-N.md` and `gameday-N.html`.
enum GameDayReportFiles {
    struct Written {
        /// Of the markdown.
        var path: String
        /// Somebody had written into the report that was there, which is left alone.
        var isBeside: Bool
    }

    /// - Parameter path: without the ending.
    /// - Throws: `Refusal`.
    @discardableResult
    static func write(
        _ record: GameDayRecord, _ roster: GameDayRoster, _ store: OutcomeStore, _ project: Project,
        to path: String? = nil
    ) throws -> Written {
        let report = GameDayReport(try material(record, roster, store))
        var base = path ?? "\(ReportFiles.directory(of: store))/gameday-\(record.number)"
        // What people wrote is never written over, whoever asks.
        let isBeside = isEdited(base + ".md")
        if isBeside { base += ".new" }
        try Files.write(sealed(report.markdown), to: base + ".md")
        try Files.write(report.html, to: base + ".html")
        return Written(path: base + ".md", isBeside: isBeside)
    }

    /// Writes it because more is known by now. That it could not be written changes nothing about the day, which is on
    /// record.
    static func renew(
        _ record: GameDayRecord, _ roster: GameDayRoster, _ store: OutcomeStore, _ project: Project,
        shows: Bool = true
    ) {
        do {
            let written = try write(record, roster, store, project)
            if shows { show(written) }
        } catch {
            Terminal.complain(
                "the report could not be written: \((error as? Refusal)?.message ?? "\(error)")",
                advice: "mend that, then run `muster gameday report \(record.header.name)`")
        }
    }

    /// For the terminal: where it is.
    static func show(_ written: Written) {
        let base = ReportFiles.shown(String(written.path.dropLast(3)))
        Terminal.line("report \(base).md (and .html)")
        if written.isBeside {
            Terminal.note("the report beside it was edited, and is left as it is")
        }
    }

    private static func material(
        _ record: GameDayRecord, _ roster: GameDayRoster, _ store: OutcomeStore
    ) throws -> GameDayReport.Material {
        let runs = Set(record.drillEvents.compactMap(\.entry.run))
        let numbers = try store.summaries(limit: nil).filter { runs.contains($0.id) }.map(\.number)
        let zone = (try? ZoneDirectory.rules(record.zone)) ?? .utc
        let previous = try store.gameDays(named: record.header.name).first { $0.number < record.number }
        let isIntact = try store.firstBrokenEntry(ofGameDay: record.header.id) == nil
        return GameDayReport.Material(
            record: record, roster: roster,
            outcomes: try numbers.compactMap { try store.outcome($0, withSamples: false) },
            actions: try store.actions(), previous: previous,
            chainRoot: isIntact ? try store.lastHash(ofGameDay: record.header.id) : nil,
            madeUTC: SystemTimekeeper().utcNanoseconds(),
            localOffset: { Int(zone.offset(at: Moment(utcNanoseconds: $0))) })
    }

    // MARK: The seal

    private static let mark = "<!-- as Muster wrote it: "

    /// The text with its own hash as its last line, by which edits show.
    private static func sealed(_ text: String) -> String {
        "\(text)\n\(mark)\(SHA256.hex(of: text.utf8)) -->\n"
    }

    /// Whether there is a file that is not as it was written.
    private static func isEdited(_ path: String) -> Bool {
        guard Files.exists(path) else { return false }
        guard let text = try? Files.text(path), let start = text.ranges(of: "\n" + mark).last?.lowerBound
        else {
            return true
        }
        return sealed(String(text[..<start])) != text
    }
}
