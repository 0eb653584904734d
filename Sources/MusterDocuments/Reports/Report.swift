import MusterCore
public import MusterDrills

/// The postmortem of one run: everything that is known filled in, everything that only people know left to
/// them. Made from the outcome alone, so that it can be made again at any time.
public struct Report: Sendable {
    private let blocks: [ReportBlock]
    /// `Drill redis-kill: FAIL`.
    public let title: String
    private let nonce: String

    /// - Parameters:
    ///   - localOffset: seconds east of UTC at a moment given in nanoseconds since 1970, in the zone that
    ///     the run's header names; without it there are no local times.
    ///   - chainRoot: the last hash of the run's chain. Printed here, it is kept outside the store, and
    ///     only that makes edits of the store show.
    ///   - codeInWords: what the code of a sample means; without it, how samples failed is not told.
    ///   - anomalyLimit: how many broken entries of a ledger are listed; all are counted.
    public init(
        _ outcome: Outcome, localOffset: (@Sendable (Int64) -> Int)? = nil, chainRoot: String? = nil,
        codeInWords: (@Sendable (Int32) -> String)? = nil, anomalyLimit: Int = 50
    ) {
        let story = Story(
            outcome, localOffset: localOffset, chainRoot: chainRoot, codeInWords: codeInWords)
        title = "Drill \(outcome.header.drill): \(story.verdictText)"
        nonce = outcome.header.id
        blocks =
            story.headerSection(title: title) + story.summarySection() + story.objectivesSection()
            + story.predictionsSection() + story.repeatsSection()
            + story.impactSection() + story.availabilitySection() + story.timelineSection()
            + story.detectionSection() + story.recoverySection()
            + story.restoreSection() + story.ledgerSection(anomalyLimit: anomalyLimit)
            + story.datasetSection() + story.undoSection() + story.humanSections()
            + story.limitsSection() + story.appendices()
    }

    /// GitHub-flavoured Markdown.
    public var markdown: String { MarkdownWriter.write(blocks) }

    /// One HTML file that loads nothing.
    public var html: String { HTMLWriter.write(title: title, nonce: nonce, blocks) }
}
