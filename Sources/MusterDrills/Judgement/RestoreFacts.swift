import MusterCore

/// What the judge reads from a run's events about the backup that it restored, beside what stands at `RunFacts`:
///
/// | kind | subject | read |
/// |---|---|---|
/// | `restore-refused` | path of the runbook | its presence: it was not begun; `text`: why |
/// | `runbook-step` | step | `detail.stage`, `detail.nanoseconds`: what the time went into; `detail.ok == false`, `text`: what failed; `detail.into`, `detail.value`: what it said of the backup, see `RestoreVariable` |
/// | `runbook-finished` | path | `detail.ok == false`: it failed; `text`: why |
/// | `restore-read` | path | `detail.when` is `before`: `bracket`: Muster itself read a source before the runbook began |
/// | `restore-over` | path | `detail.restored`: items in the place; `detail.sourceChanged`: what became of the source, empty when it is as it was; `detail.sourceProblem`: why that is not known |
struct RestoreFacts {
    struct Failure {
        var stage: String?
        var text: String
    }

    let step: RunbookStep
    let plan: RestorePlan
    private(set) var refusal: String?
    private(set) var hasBegun = false
    /// When it began: whatever was acknowledged before was so by the system that was lost.
    private(set) var began: Instant?
    private(set) var failure: Failure?
    private(set) var isOver = false
    /// nil: the place could not be read.
    private(set) var restored: Int?
    private(set) var sourceChanged: String?
    private(set) var sourceProblem: String?
    /// How long Muster itself read the source before the runbook began, and until when; nil: not known.
    private(set) var sourceRead: (took: Duration, ended: Instant)?
    private(set) var stages: [RestoreStage: Duration] = [:]
    /// Of the runbook as a whole.
    private(set) var took: Duration?
    private(set) var backup: String?
    private(set) var taken: String?
    private(set) var target: String?

    /// - Returns: nil where the drill restores nothing.
    init?(_ drill: Drill, _ events: [Event]) {
        guard let step = drill.restores.first, let plan = step.restore else { return nil }
        self.step = step
        self.plan = plan
        var isRunning = false
        for event in events {
            let isOwn = event.subject == step.path
            switch event.kind {
            case .restoreRefused where isOwn: refusal = event.text
            case .restoreRead where isOwn:
                guard event.detail["when"]?.asText == "before", let bracket = event.bracket else { break }
                sourceRead = ((sourceRead?.took ?? .zero) + bracket.width, bracket.upper)
            case .runbookStarted where isOwn:
                hasBegun = true
                isRunning = true
                began = event.bracket?.lower ?? event.at
            case .runbookStep where isRunning: read(event)
            case .runbookFinished where isOwn && isRunning:
                isRunning = false
                took = began.map { event.at - $0 }
                if event.detail["ok"]?.asBool == false, failure == nil {
                    failure = Failure(stage: nil, text: event.text)
                }
            case .restoreOver where isOwn:
                isOver = true
                restored = event.detail["restored"]?.asInt.map(Int.init)
                sourceChanged = event.detail["sourceChanged"]?.asText
                sourceProblem = event.detail["sourceProblem"]?.asText
            default: break
            }
        }
        // A step that failed and was gone on from is none that the restore failed at.
        if events.contains(where: {
            $0.kind == .runbookFinished && $0.subject == step.path && $0.detail["ok"]?.asBool == true
        }) {
            failure = nil
        }
    }

    private mutating func read(_ event: Event) {
        let detail = event.detail
        if let stage = detail["stage"]?.asText.flatMap(RestoreStage.init),
            let nanoseconds = detail["nanoseconds"]?.asInt
        {
            stages[stage, default: .zero] += .nanoseconds(nanoseconds)
        }
        if detail["ok"]?.asBool == false, detail["state"]?.asText != "cancelled" {
            failure = Failure(stage: detail["stage"]?.asText, text: event.text)
        }
        guard let value = detail["value"]?.asText else { return }
        switch detail["into"]?.asText {
        case RestoreVariable.backup: backup = value
        case RestoreVariable.taken: taken = value
        case RestoreVariable.target: target = value
        default: break
        }
    }
}

/// Where a moment of the wall clock lies on the controller's own clock. The two are compared at each event, so that a
/// wall clock that was slewed or set widens the bounds instead of shifting them.
struct WallClock {
    private let offsets: ClosedRange<Int64>

    /// - Returns: nil without events.
    init?(_ events: [Event]) {
        let offsets = events.map { $0.utcNanoseconds - $0.at.nanoseconds }
        guard let least = offsets.min(), let most = offsets.max() else { return nil }
        self.offsets = least...most
    }

    /// - Parameter utc: nanoseconds since 1970 UTC.
    func bracket(of utc: Int64) -> Bracket {
        // Two readings of two clocks are never taken at once; a millisecond is generous.
        Bracket(
            Instant(nanoseconds: utc - offsets.upperBound - 1_000_000),
            Instant(nanoseconds: utc - offsets.lowerBound + 1_000_000))
    }
}

/// How exactly a recovery stopped where it was told to: between the last write before the target and the first after it.
struct RecoveryPoint: Hashable, Sendable {
    /// Acknowledged before the target, and not there.
    var missing = 0
    /// Sent after the target, and there all the same: whether it was acknowledged, refused or left in doubt.
    var beyond = 0
    /// Whether a write from before the target is there.
    var hasBefore = false
    /// Whether a write that was acknowledged between the target and the restore is not there.
    var hasAfter = false

    /// - Parameters:
    ///   - ledger: of plain entries; what a sample of them left out is passed over.
    ///   - target: between these instants.
    ///   - restore: when it began; writes from after it prove nothing: the system may have taken them once it was back.
    init(_ ledger: Ledger, target: Bracket, restore: Instant) {
        let found = LedgerJudge.merged(ledger.readBack?.found ?? [])
        var asked = ledger.readBack?.sample?.runs[...]
        var next = 0
        for entry in ledger.entries.inOrder where Self.isAsked(entry.key, &asked) {
            while next < found.count, found[next].key < entry.key { next += 1 }
            let isThere = next < found.count && found[next].key == entry.key
            if entry.isAcknowledged, entry.acknowledgedAt <= target.lower {
                if isThere, found[next].isIntact { hasBefore = true } else { missing += 1 }
            } else if entry.sent >= target.upper, let finished = entry.finished, finished <= restore {
                if isThere {
                    beyond += 1
                } else if entry.isAcknowledged {
                    hasAfter = true
                }
            }
        }
    }

    /// - Parameter sample: what was asked for, by key; its runs that lie before `key` are dropped. nil: everything.
    private static func isAsked(_ key: EntryKey, _ sample: inout ArraySlice<ReadSample.Run>?) -> Bool {
        guard sample != nil else { return true }
        while let run = sample?.first, (run.stream, run.numbers.upperBound) < (key.stream, key.sequence) {
            sample?.removeFirst()
        }
        return sample?.first.map { $0.stream == key.stream && $0.numbers.contains(key.sequence) } ?? false
    }
}
