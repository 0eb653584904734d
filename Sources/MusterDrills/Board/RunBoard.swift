public import MusterCore

/// The state of a run as anybody sees it who watches: folded from what the outcomes hold, in the order in which it was
/// written there. The process that runs the drill and every terminal that looks on fold the same, and show the same.
///
/// Its size does not grow with the run: samples are folded into stretches and histograms, and of events the last ones
/// are kept.
public struct RunBoard: Sendable {
    /// What is known of the run from its header.
    public struct Run: Hashable, Sendable {
        public var number: Int
        public var id: String
        public var drill: String
        public var environment: String
        public var service: String?
        public var host: String
        public var startedAt: Instant
        public var startedUTC: Int64
        /// The process that runs it, where it is known.
        public var engine: Int32?

        public init(
            number: Int, id: String, drill: String, environment: String, service: String?, host: String,
            startedAt: Instant, startedUTC: Int64, engine: Int32?
        ) {
            self.number = number
            self.id = id
            self.drill = drill
            self.environment = environment
            self.service = service
            self.host = host
            self.startedAt = startedAt
            self.startedUTC = startedUTC
            self.engine = engine
        }
    }

    /// A fault of the drill.
    public struct Fault: Hashable, Sendable {
        public var name: String
        /// `process-kill into kv`.
        public var words: String
        /// F; nil while it is being injected.
        public var struck: Bracket?
        public var isProven = false
        /// When it was put back, or lifted.
        public var closed: Instant?
        /// What stands in the way of that; nil while nothing does.
        public var trouble: String?
    }

    /// How a run that an earlier one is compared with went: how long each step of its runbooks, and each runbook, took.
    public struct Earlier: Hashable, Sendable {
        public var number: Int
        /// By `Event.subject`.
        public var took: [String: Duration]

        public init(number: Int, took: [String: Duration]) {
            self.number = number
            self.took = took
        }
    }

    /// What a read-back found.
    public struct ReadBackCount: Hashable, Sendable {
        public var workload: String
        public var acknowledged: Int
        public var found: Int
        /// When the newest write was sent that was found; nil without one.
        public var newest: Instant?
    }

    public let run: Run
    /// nil for a run that an earlier version began.
    public private(set) var plan: RunPlan?
    public private(set) var pulse: RunPulse?
    /// The last run of the same drill that was completed; nil when there was none.
    public var earlier: Earlier?
    /// What the judge said; nil before the end.
    public var closing: RunClosing?
    /// In the order in which they were injected.
    public private(set) var faults: [Fault] = []
    public private(set) var abort: Event?
    public private(set) var stable: Event?
    public private(set) var readBacks: [ReadBackCount] = []
    /// The last ones, oldest first.
    public private(set) var events: [Event] = []
    /// What people noted, oldest first; the last ones.
    public private(set) var notes: [Event] = []
    public private(set) var lastEvent: Instant
    private(set) var lastSample: Instant?
    private(set) var progress = StepProgress()
    private(set) var strips: [String: AvailabilityStrip] = [:]
    private(set) var latencies: [String: LatencyWindow] = [:]
    private var watches: [Key: OutageWatch] = [:]
    private var isSteady = false
    private var isWriting = false
    private var isOver = false
    /// Where strips begin.
    private let stripStart: Instant

    private struct Key: Hashable {
        var name: String
        var writer: Int?
    }

    private static let kept = 200

    /// - Parameter strip: from when on availability is shown; of a long run only the last part is read.
    public init(_ run: Run, strip: Instant? = nil) {
        self.run = run
        lastEvent = run.startedAt
        stripStart = strip ?? run.startedAt
    }

    // MARK: Folding

    public mutating func apply(_ pulse: RunPulse) { self.pulse = pulse }

    /// - Parameter event: the next one of the run.
    public mutating func apply(_ event: Event) {
        lastEvent = max(lastEvent, event.at)
        events.append(event)
        if events.count > 2 * Self.kept { events.removeFirst(Self.kept) }
        progress.apply(event)
        switch event.kind {
        case .runStarted: plan = RunPlan(event.detail)
        case .steady: isSteady = true
        case .workloadStarted: isWriting = true
        case .injecting, .injected, .effective, .lifted, .undone, .undoFailed, .endedEarly: applyFault(event)
        case .abort: abort = abort ?? event
        case .stable: stable = event
        case .readBack:
            readBacks.append(
                ReadBackCount(
                    workload: event.subject,
                    acknowledged: Int(clamping: event.detail["acknowledged"]?.asInt ?? 0),
                    found: Int(clamping: event.detail["found"]?.asInt ?? 0),
                    newest: event.detail.instant("newest")))
        case .note where !["muster", "guard"].contains(event.actor):
            notes.append(event)
            if notes.count > 2 * Self.kept { notes.removeFirst(Self.kept) }
        case .runFinished: isOver = true
        default: break
        }
    }

    private mutating func applyFault(_ event: Event) {
        switch event.kind {
        case .injecting:
            let planned = plan?.steps.first { $0.kind == .inject && $0.name == event.subject }
            faults.append(Fault(name: event.subject, words: planned?.detail ?? event.subject))
        case .injected:
            let bracket = event.bracket ?? Bracket(event.at, event.at)
            change(event.subject) { $0.struck = bracket }
            for key in watches.keys { watches[key]?.strike(bracket) }
        case .effective: change(event.subject) { $0.isProven = true }
        case .lifted, .undone:
            let at = event.bracket?.upper ?? event.at
            // Of a guard that is gone the warden says only that everything was put back.
            for index in faults.indices
            where faults[index].closed == nil
                && (event.subject.isEmpty || faults[index].name == event.subject)
            {
                faults[index].closed = at
                faults[index].trouble = nil
            }
        case .undoFailed:
            for index in faults.indices
            where faults[index].closed == nil
                && (event.subject.isEmpty || faults[index].name == event.subject)
            {
                faults[index].trouble = event.text
            }
        case .endedEarly: change(event.subject) { $0.trouble = event.text }
        default: break
        }
    }

    private mutating func change(_ name: String, _ body: (inout Fault) -> Void) {
        guard let index = faults.lastIndex(where: { $0.name == name }) else { return }
        body(&faults[index])
    }

    /// - Parameters:
    ///   - samples: the next ones of a probe or of a writer, in the order in which they were over.
    ///   - writer: nil for a probe.
    public mutating func apply(_ samples: [Sample], of name: String, writer: Int?) {
        guard let last = samples.map(\.finished).max() else { return }
        lastSample = max(lastSample ?? last, last)
        let key = Key(name: name, writer: writer)
        var watch = watches[key] ?? newWatch(name)
        var strip = strips[name] ?? AvailabilityStrip(start: stripStart)
        var window = latencies[name] ?? LatencyWindow()
        for sample in samples {
            strip.add(sample)
            watch.add(sample)
            if sample.isUp { window.add(sample.finished - sample.due, at: sample.finished) }
        }
        watches[key] = watch
        strips[name] = strip
        latencies[name] = window
    }

    private func newWatch(_ name: String) -> OutageWatch {
        let timeout = plan?.signals.first { $0.name == name }?.timeout ?? .seconds(10)
        var watch = OutageWatch(timeout: timeout)
        if let struck = faults.last(where: { $0.struck != nil })?.struck { watch.strike(struck) }
        return watch
    }

    // MARK: What it comes to

    /// The fault that struck last: from it the recovery time runs.
    public var strike: Fault? { faults.last { $0.struck != nil } }
    public var openFaults: [Fault] { faults.filter { $0.closed == nil } }

    /// For people: what the run is doing.
    public var phase: String {
        if isOver || closing != nil { return "over" }
        if let words = pulse.flatMap({ DrillRunner.Phase(rawValue: $0.phase) })?.words { return words }
        if strike != nil { return stable == nil ? "after the fault" : "stable" }
        if isWriting { return "warming up the workload" }
        return isSteady ? "steady" : "starting"
    }

    /// Names of the signals in the order of the plan, then those that it does not know.
    var signalNames: [String] {
        let planned = plan?.signals.map(\.name) ?? []
        return planned + Set(strips.keys).subtracting(planned).sorted()
    }

    /// The outages of the ruling signals since the last fault, one for each writer.
    var timelines: [(name: String, timeline: OutageTimeline)] {
        let ruling = plan?.ruling ?? []
        return watches.filter { ruling.isEmpty || ruling.contains($0.key.name) }.compactMap { key, watch in
            watch.timeline.map { (key.name, $0) }
        }
    }
}
