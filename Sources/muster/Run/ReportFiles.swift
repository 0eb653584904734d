import Foundation
import MusterCore
import MusterDocuments
import MusterOutcomes
import MusterProbes

/// Reports as files: `runbooks/reports/N.md` and `N.html`.
enum ReportFiles {
    /// A report as it was written.
    struct Written {
        var number: Int
        /// Of the markdown.
        var path: String
        var markdown: String
    }

    @discardableResult
    static func write(_ number: Int, _ store: OutcomeStore, _ project: Project, to path: String? = nil) throws
        -> Written
    {
        let outcome = try OutcomeFinder.find(number, in: store, withSamples: true)
        let zone = TimeZone(identifier: outcome.header.timeZone) ?? .current
        let offset: @Sendable (Int64) -> Int = { nanoseconds in
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(nanoseconds) / 1e9))
        }
        let report = Report(
            outcome, localOffset: offset, chainRoot: root(of: outcome.header.id, store),
            codeInWords: { SampleCode.inWords($0) })
        let base = path ?? "\(project.reports)/\(number)"
        let markdown = report.markdown
        try Files.write(markdown, to: base + ".md")
        try Files.write(report.html, to: base + ".html")
        return Written(number: number, path: base + ".md", markdown: markdown)
    }

    /// Writes a report again once more is known, unless somebody has begun to work on it.
    static func renew(_ old: Written, _ store: OutcomeStore, _ project: Project) throws {
        guard (try? Files.text(old.path)) == old.markdown else { return }
        try write(old.number, store, project)
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
