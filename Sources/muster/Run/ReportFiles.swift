import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterProbes

/// Reports as files: `reports/N.md` and `N.html` beside the outcomes, so that another store's number 3 does not
/// overwrite the project's.
enum ReportFiles {
    /// A report as it was written.
    struct Written {
        var number: Int
        /// Of the markdown.
        var path: String
        var markdown: String
        /// Where what stood there before lies now; nil when nothing did, or the same.
        var kept: String?
    }

    /// - Parameter keepsWork: a report that stands there and says something else, such as what people wrote into it, is
    ///   moved aside instead of overwritten.
    @discardableResult
    static func write(_ number: Int, _ store: OutcomeStore, to path: String? = nil, keepsWork: Bool = false)
        throws -> Written
    {
        let outcome = try OutcomeFinder.find(number, in: store, withSamples: true)
        let zone = TimeZone(identifier: outcome.header.timeZone) ?? .current
        let offset: @Sendable (Int64) -> Int = { nanoseconds in
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(nanoseconds) / 1e9))
        }
        let report = Report(
            outcome, localOffset: offset, chainRoot: root(of: outcome.header.id, store),
            codeInWords: { SampleCode.inWords($0) })
        let base = path ?? directory(of: store) + "/\(number)"
        let markdown = report.markdown
        let kept = try keepsWork ? keep(base + ".md", unlessEqual: markdown) : nil
        try Files.write(markdown, to: base + ".md")
        try Files.write(report.html, to: base + ".html")
        return Written(number: number, path: base + ".md", markdown: markdown, kept: kept)
    }

    /// Moves a file that says something else to `FILE.~1~`, `FILE.~2~` …, as cp(1) does with numbered backups.
    private static func keep(_ path: String, unlessEqual text: String) throws -> String? {
        guard Files.exists(path), (try? Files.text(path)) != text else { return nil }
        var number = 1
        while Files.exists("\(path).~\(number)~") { number += 1 }
        let kept = "\(path).~\(number)~"
        guard rename(path, kept) == 0 else {
            throw Refusal(
                .usage, "\(path) cannot be moved aside: \(String(cString: strerror(errno)))",
                advice: "write the report somewhere else with --output")
        }
        return kept
    }

    static func directory(of store: OutcomeStore) -> String {
        URL(fileURLWithPath: store.path).deletingLastPathComponent().path + "/reports"
    }

    /// Writes a report again once more is known, unless somebody has begun to work on it.
    static func renew(_ old: Written, _ store: OutcomeStore) throws {
        guard (try? Files.text(old.path)) == old.markdown else { return }
        try write(old.number, store)
    }

    /// The last hash of the run's chain; nil when the chain does not hold.
    private static func root(of run: String, _ store: OutcomeStore) -> String? {
        guard case .intact(_, _, let root)? = try? store.verifyChain(run) else { return nil }
        return root
    }

    /// As short as the working directory allows.
    static func shown(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }
}
