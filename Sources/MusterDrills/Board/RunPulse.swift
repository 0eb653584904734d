public import MusterCore

/// How a run stands at one moment, in the words and by the counts of the engine that runs it. Only the latest one is
/// kept: what happened is told by events, and what was seen by samples. It is there so that a run whose samples are
/// not kept can be watched as well, and so that an engine that hangs is told from one that has nothing to say.
public struct RunPulse: Hashable, Sendable {
    public struct Signal: Hashable, Sendable {
        public var name: String
        public var ok: Int
        public var failed: Int
        /// When the first sample of the present unbroken run of bad ones was over: what abort criteria go by.
        public var badSince: Instant?
        /// Whether it is good, by what was seen last; of a workload, whether every writer is.
        public var isGood: Bool

        public init(name: String, ok: Int, failed: Int, badSince: Instant?, isGood: Bool) {
            self.name = name
            self.ok = ok
            self.failed = failed
            self.badSince = badSince
            self.isGood = isGood
        }
    }

    public struct Workload: Hashable, Sendable {
        public var name: String
        /// Acknowledged, and durable in the ledger.
        public var acknowledged: Int
        public var inDoubt: Int
        public var refused: Int
        /// When the newest acknowledgement was in.
        public var lastAcknowledged: Instant?

        public init(
            name: String, acknowledged: Int, inDoubt: Int, refused: Int, lastAcknowledged: Instant?
        ) {
            self.name = name
            self.acknowledged = acknowledged
            self.inDoubt = inDoubt
            self.refused = refused
            self.lastAcknowledged = lastAcknowledged
        }
    }

    /// A runbook's step that is under way.
    public struct Step: Hashable, Sendable {
        public var runbook: String
        public var name: String
        public var begun: Instant

        public init(runbook: String, name: String, begun: Instant) {
            self.runbook = runbook
            self.name = name
            self.begun = begun
        }
    }

    public var at: Instant
    /// As `DrillRunner.Phase`.
    public var phase: String
    public var signals: [Signal]
    public var workloads: [Workload]
    /// nil while no runbook is carried out.
    public var step: Step?

    public init(
        at: Instant, phase: String, signals: [Signal] = [], workloads: [Workload] = [], step: Step? = nil
    ) {
        self.at = at
        self.phase = phase
        self.signals = signals
        self.workloads = workloads
        self.step = step
    }

    public var value: Value {
        .map([
            "phase": .text(phase),
            "signals": .list(
                signals.map {
                    [
                        "name": .text($0.name), "ok": .int(Int64($0.ok)), "failed": .int(Int64($0.failed)),
                        "badSince": .optional($0.badSince?.nanoseconds), "good": .bool($0.isGood),
                    ]
                }),
            "workloads": .list(
                workloads.map {
                    [
                        "name": .text($0.name), "acknowledged": .int(Int64($0.acknowledged)),
                        "inDoubt": .int(Int64($0.inDoubt)), "refused": .int(Int64($0.refused)),
                        "last": .optional($0.lastAcknowledged?.nanoseconds),
                    ]
                }),
            "step": step.map {
                [
                    "runbook": .text($0.runbook), "name": .text($0.name), "begun": .int($0.begun.nanoseconds),
                ]
            } ?? .null,
        ])
    }

    public init(_ value: Value, at: Instant) {
        self.init(at: at, phase: value.text("phase"))
        func count(_ value: Value, _ key: String) -> Int { Int(clamping: value[key]?.asInt ?? 0) }
        signals = value.list("signals").map {
            Signal(
                name: $0.text("name"), ok: count($0, "ok"), failed: count($0, "failed"),
                badSince: $0.instant("badSince"), isGood: $0["good"]?.asBool == true)
        }
        workloads = value.list("workloads").map {
            Workload(
                name: $0.text("name"), acknowledged: count($0, "acknowledged"), inDoubt: count($0, "inDoubt"),
                refused: count($0, "refused"), lastAcknowledged: $0.instant("last"))
        }
        if let step = value["step"], let begun = step.instant("begun") {
            self.step = Step(runbook: step.text("runbook"), name: step.text("name"), begun: begun)
        }
    }
}
