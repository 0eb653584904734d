import MusterCore
public import MusterDrills

/// The report of a game day: what was planned, what happened and who did it, over all of its drills. Made from what is
/// on record alone, so that it can be made again at any time.
public struct GameDayReport: Sendable {
    /// What a report is made of.
    public struct Material: Sendable {
        public var record: GameDayRecord
        public var roster: GameDayRoster
        /// Of its drills, as far as they were recorded; samples are not needed.
        public var outcomes: [Outcome]
        /// All on record.
        public var actions: [ActionItem]
        /// The game day of the same name before this one.
        public var previous: GameDayRecord?
        /// The last hash of the timeline's chain; nil when the chain does not hold.
        public var chainRoot: String?
        /// For what is overdue; nanoseconds since 1970 UTC.
        public var madeUTC: Int64
        /// Seconds east of UTC, in the day's zone, at a moment given in nanoseconds since 1970.
        public var localOffset: @Sendable (Int64) -> Int

        public init(
            record: GameDayRecord, roster: GameDayRoster, outcomes: [Outcome], actions: [ActionItem],
            previous: GameDayRecord? = nil, chainRoot: String?, madeUTC: Int64,
            localOffset: @escaping @Sendable (Int64) -> Int
        ) {
            self.record = record
            self.roster = roster
            self.outcomes = outcomes
            self.actions = actions
            self.previous = previous
            self.chainRoot = chainRoot
            self.madeUTC = madeUTC
            self.localOffset = localOffset
        }
    }

    private let blocks: [ReportBlock]
    /// `Game day failover: hotwash`.
    public let title: String
    private let nonce: String

    public init(_ material: Material) {
        let story = GameDayStory(material)
        title = "Game day \(material.record.header.name): \(material.record.title)"
        nonce = material.record.header.id
        blocks =
            story.headerSection(title: title) + story.peopleSection() + story.summarySection()
            + story.expectationSection() + story.objectivesSection() + story.criteriaSection()
            + story.timelineSection()
            + story.detectionSection() + story.stepsSection() + story.withheldSection()
            + story.remarksSections()
            + story.actionsSection() + story.previousSection() + story.limitsSection() + story.appendices()
    }

    /// GitHub-flavoured Markdown.
    public var markdown: String { MarkdownWriter.write(blocks) }

    /// One HTML file that loads nothing.
    public var html: String { HTMLWriter.write(title: title, nonce: nonce, blocks) }
}

/// A game day with what several sections need worked out once.
struct GameDayStory {
    let material: GameDayReport.Material
    let drills: [DrillOfDay]

    /// One drill of the day: what was expected of it, and what came of it.
    struct DrillOfDay {
        var position: Int
        var name: String
        /// As frozen at the approval, line by line; empty where it was not kept.
        var expectation: String
        var events: [(entry: GameDayEntry, event: GameDayDrillEvent)]
        var outcome: Outcome?

        var run: String? { events.compactMap(\.entry.run).first }
        var last: GameDayDrillEvent? {
            events.map(\.event).last { [.started, .finished, .skipped, .notBegun].contains($0.phase) }
        }
        var judgement: Judgement? { outcome?.closing?.judgement }
        /// Why its run was cut off; nil when it was not.
        var abort: Event? { outcome?.events.first { $0.kind == .abort } }

        /// A line of the frozen card.
        func frozen(_ key: String) -> String? {
            expectation.split(separator: "\n").first { $0.hasPrefix(key + ": ") }.map {
                String($0.dropFirst(key.count + 2))
            }
        }

        var word: String {
            if let verdict = judgement?.verdict ?? last?.verdict { return verdict.rawValue.uppercased() }
            switch last?.phase {
            case .skipped: return "SKIPPED"
            case .notBegun, nil: return "NOT BEGUN"
            default: return "NO VERDICT"
            }
        }
        var tone: Tone {
            switch judgement?.verdict ?? last?.verdict {
            case .pass: .good
            case .fail, .error: .bad
            default: .doubtful
            }
        }
        /// Why, in a sentence.
        var reason: String {
            judgement?.reason
                ?? events.last { [.finished, .skipped, .notBegun].contains($0.event.phase) }?.entry.text
                ?? "nothing says how it ended"
        }
    }

    init(_ material: GameDayReport.Material) {
        self.material = material
        let record = material.record
        // A drill that was planned and never came up is one that was not held, and must not be missed.
        let planned = record.documents.filter { $0.kind == .expectation }
        var names: [String] = []
        for name in planned.map(\.path) + record.drillEvents.map(\.event.name) where !names.contains(name) {
            names.append(name)
        }
        drills = names.enumerated().map { index, name in
            let events = record.drillEvents.filter { $0.event.name == name }
            let run = events.compactMap(\.entry.run).first
            return DrillOfDay(
                position: events.first?.event.position ?? index, name: name,
                expectation: planned.first { $0.path == name }?.text ?? "", events: events,
                outcome: material.outcomes.first { $0.header.id == run })
        }.sorted { ($0.position, $0.name) < ($1.position, $1.name) }
    }

    var record: GameDayRecord { material.record }
    var header: GameDayHeader { material.record.header }

    func utc(_ nanoseconds: Int64) -> ReportInline { .moment(utcText(nanoseconds: nanoseconds)) }
    func local(_ nanoseconds: Int64) -> String {
        localTime(nanoseconds, offset: material.localOffset(nanoseconds))
    }
    func both(_ nanoseconds: Int64) -> [ReportInline] {
        [utc(nanoseconds), .text(" ("), .moment(local(nanoseconds)), .text(")")]
    }

    func who(_ actor: String, _ role: GameDayRole?) -> String {
        actor + (role.map { " (\($0.rawValue))" } ?? "")
    }
    func who(_ entry: GameDayEntry) -> String { who(entry.actor, entry.role) }

    /// The drill that an entry or a run is about.
    func drill(ofRun run: String?) -> String? { run.flatMap { run in drills.first { $0.run == run }?.name } }
}
