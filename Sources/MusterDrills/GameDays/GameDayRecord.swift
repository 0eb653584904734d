public import MusterCore

// How the types of game days fit together:
//
//   drills/gamedays/x.yaml --read--> GameDay             the plan; nothing of it is kept but its texts
//   runbooks/outcomes.sqlite         GameDayRecord       one day that was planned or held: header, documents, entries
//
// A day *is* its timeline: `GameDayEntry`s, chained by hash, each written when it happens, by whatever process saw it.
// State, attendance, approvals, drills, preflight, findings and the hot wash are read out of the entries (the
// computed properties below); no table holds them a second time. Processes talk through it: one that wants the
// day to stop appends an entry of kind `abort`, and the process that holds the day reads on from the last entry
// that it has seen. A drill of the day is an outcome like every other; entries name it by the ULID of its run,
// which is decided before the run begins, so that the link is there whoever dies.

/// What is known of a game day when its record begins.
public struct GameDayHeader: Hashable, Sendable {
    /// ULID.
    public var id: String
    /// The file's `gameday:`.
    public var name: String
    /// The file, from the project's folder on.
    public var path: String
    public var title: String
    /// IANA's name of the zone for local times. An edit of the file may change both: see `GameDayRecord.title`.
    public var zone: String
    public var host: String
    public var bootID: String
    public var actor: String
    public var toolVersion: String
    public var createdUTC: Int64

    public init(
        id: String, name: String, path: String, title: String, zone: String, host: String, bootID: String,
        actor: String, toolVersion: String, createdUTC: Int64
    ) {
        self.id = id
        self.name = name
        self.path = path
        self.title = title
        self.zone = zone
        self.host = host
        self.bootID = bootID
        self.actor = actor
        self.toolVersion = toolVersion
        self.createdUTC = createdUTC
    }
}

/// A game day as it is on record.
public struct GameDayRecord: Sendable {
    /// By which people name it.
    public var number: Int
    public var header: GameDayHeader
    /// In the order of recording.
    public var entries: [GameDayEntry]
    /// The texts of the newest approval; empty while there is none.
    public var documents: [GameDayDocument]
    /// The process that carries it out now.
    public var holder: ProcessIdentity?

    public init(
        number: Int, header: GameDayHeader, entries: [GameDayEntry], documents: [GameDayDocument] = [],
        holder: ProcessIdentity? = nil
    ) {
        self.number = number
        self.header = header
        self.entries = entries
        self.documents = documents
        self.holder = holder
    }

    public var state: GameDayState { entries.last { $0.state != nil }?.state ?? .draft }

    /// The plan's title as it was approved last; before that, as it was when the record began.
    public var title: String { newestApproval?.title ?? header.title }
    /// IANA's name of the zone for local times, likewise.
    public var zone: String { newestApproval?.zone ?? header.zone }

    private var newestApproval: GameDayApproval? { entries.last { $0.kind == .approval }?.detail() }

    /// The approval that holds; nil when there is none, or an edit voided it.
    public var approval: GameDayApproval? {
        let voided = entries.last { $0.state == .planned || $0.state == .draft }?.sequence ?? 0
        return entries.last { $0.kind == .approval && $0.sequence > voided }?.detail()
    }

    /// Whether responders must not be told which drills there are. `muster gameday run --blind` writes it into the
    /// entry with which the day begins to run.
    public var isBlind: Bool { entries.contains { $0.state != nil && $0.detail["blind"]?.asBool == true } }

    /// Whether somebody asked for its end.
    public var abortWish: GameDayEntry? { entries.first { $0.kind == .abort } }
    public var isConverted: Bool { entries.contains { $0.state == .converted } }

    /// What every message begins with.
    public var prefix: String { isConverted ? "REAL INCIDENT" : "DRILL" }

    /// The newest look at each item of the preflight, in the order in which they were first looked at. Looks before
    /// the newest preflight began do not count.
    public var preflight: [PreflightItem] {
        let begin = entries.last { $0.state == .preflight }?.sequence ?? 0
        var items: [PreflightItem] = []
        for entry in entries where entry.kind == .preflight && entry.sequence > begin {
            guard let item: PreflightItem = entry.detail() else { continue }
            if let known = items.firstIndex(where: { $0.name == item.name }) {
                items[known] = item
            } else {
                items.append(item)
            }
        }
        return items
    }

    /// What became of each drill, with the entry that says it.
    public var drillEvents: [(entry: GameDayEntry, event: GameDayDrillEvent)] {
        entries.compactMap { entry in
            guard entry.kind == .drill, let event: GameDayDrillEvent = entry.detail() else { return nil }
            return (entry, event)
        }
    }

    /// The ULID of the drill's run that is under way; nil when none is.
    public var runUnderWay: String? {
        guard let last = drillEvents.last, last.event.phase == .started else { return nil }
        return last.entry.run
    }

    /// When somebody was there.
    public struct Stay: Hashable, Sendable {
        public var name: String
        public var role: GameDayRole?
        public var fromUTC: Int64
        /// nil: still there when the day ended, or now.
        public var toUTC: Int64?
    }

    /// In the order of coming. Who comes twice without leaving came once.
    public var attendance: [Stay] {
        var stays: [Stay] = []
        for entry in entries {
            guard entry.kind == .attendance, let change: GameDayAttendance = entry.detail() else { continue }
            let present = stays.lastIndex { $0.name == change.name && $0.toUTC == nil }
            if change.isHere {
                if present == nil {
                    stays.append(Stay(name: change.name, role: entry.role, fromUTC: entry.utc))
                }
            } else if let present {
                stays[present].toUTC = entry.utc
            }
        }
        return stays
    }

    /// Entries in the order in which things happened, corrected ones replaced by what corrects them last.
    public var timeline: [GameDayEntry] {
        var corrections: [Int: GameDayEntry] = [:]
        for entry in entries { if let wrong = entry.corrects { corrections[wrong] = entry } }
        return entries.filter { corrections[$0.sequence] == nil }
            .sorted { ($0.utc, $0.sequence) < ($1.utc, $1.sequence) }
    }
}
