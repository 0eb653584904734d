public import MusterCore

/// A drill as it will run: variables substituted, names resolved, every value checked.
public struct Drill: Sendable {
    public var name: String
    public var service: String?
    public var owner: String?
    public var environment: Environment = .lab
    public var failureMode: String?
    /// What its owner expects, in words.
    public var expect: String?
    public var predict = Prediction()
    public var variables: [String: String] = [:]
    public var objectives = Objectives()
    public var fixtures: [Fixture] = []
    /// The size of the loop mount that holds the drill's scratch; nil: a plain directory. Needed where a
    /// fault fills it.
    public var scratchSize: ByteCount?
    public var targets: [String: DrillTarget] = [:]
    public var probes: [DrillProbe] = []
    public var workloads: [DrillWorkload] = []
    /// What must be after the recovery as it was before the fault.
    public var datasets: [DrillDataset] = []
    /// Which probes and workloads decide the recovery; empty: the worst of all.
    public var judgedBy: [String] = []
    /// Where alerts are heard of, and which are to fire because of the fault.
    public var alertSources: [AlertSource] = []
    public var alerts: [ExpectedAlert] = []
    public var steady = Steady()
    public var steps: [Step] = []
    public var recovered = Recovered()
    public var after: [Step] = []
    public var abort = AbortRule()
    /// What was noticed while reading it and should be known, such as "weak stability".
    public var warnings: [String] = []

    public init(name: String) { self.name = name }

    /// The longest that it can take, steps of people not counted.
    public var longest: Duration {
        let ready = fixtures.reduce(Duration.zero) { $0 + $1.readyWithin }
        let whole =
            ready + steady.within * 2 + steady.duration * 2
            + max(recovered.deadline(rto: objectives.rto), noticing)
        return min(whole, abort.after)
    }

    /// How long after the fault expected alerts are waited for, also when the system recovered before.
    public var noticing: Duration {
        if alerts.isEmpty { return .zero }
        let needed = objectives.rto != nil && objectives.rtoFrom == .detected
        return objectives.detect ?? (needed ? recovered.deadline(rto: objectives.rto) : .zero)
    }

    /// The steps that restore a backup, those of a `parallel:` included.
    public var restores: [RunbookStep] {
        func find(_ steps: [Step]) -> [RunbookStep] {
            steps.flatMap { step -> [RunbookStep] in
                switch step.action {
                case .runbook(let runbook): runbook.restore == nil ? [] : [runbook]
                case .parallel(let steps): find(steps)
                case .inject, .wait, .lift, .alert: []
                }
            }
        }
        return find(steps)
    }

    /// The signals that decide: those named, or all.
    public var ruling: [String] {
        judgedBy.isEmpty ? probes.map(\.name) + workloads.map(\.name) : judgedBy
    }
}

public enum Environment: String, FormWord, Codable {
    case lab, staging, production
}

/// What the drill's owner predicts; outside it, "model wrong or system changed".
public struct Prediction: Hashable, Sendable {
    public enum Outage: Hashable, Sendable {
        /// The system must never go down.
        case none
        case between(Duration, Duration)
    }
    public var outage: Outage?
    public var lost: ClosedRange<Int>?
    public init(outage: Outage? = nil, lost: ClosedRange<Int>? = nil) {
        self.outage = outage
        self.lost = lost
    }
}

/// What must be met. A nil objective is not judged.
public struct Objectives: Hashable, Sendable {
    /// From when the recovery time runs.
    public enum ClockStart: String, FormWord, Codable {
        case fault, declared
        /// From when the first expected alert fired.
        case detected
    }
    public var rto: Duration?
    public var rtoFrom: ClockStart = .fault
    /// What stands in for the time to detect where the drill itself starts the runbook and the clock runs from the
    /// fault.
    public var detectBudget: Duration?
    /// The most that may pass from the fault until an expected alert fires.
    public var detect: Duration?
    /// Judged by count when it is zero: no acknowledged write lost or corrupt.
    public var rpo: Duration?
    /// Which writes that were acknowledged after the fault, as when two sides accept writes, may be lost without
    /// missing the recovery point.
    public var allowPostFaultLoss = PostFaultLoss.forbidden
    /// Zero duplicates, phantoms, aborted-visible, resurrected, reordered, stale or divergent after settling.
    public var strictIntegrity = false
    /// The share of what was due that must have been answered, in a window that starts at the fault.
    public var availability: AvailabilityGoal?
    public var latency: LatencyGoal?
    /// The most that the system may be down or slow altogether, from the fault to the end of observation.
    public var degradation: Duration?
    /// The service's availability over a long time: no objective of a drill, but what an outage is set against.
    public var serviceLevel: AvailabilityGoal?
    /// Where each came from: `drill`, or `services.yaml: checkout`.
    public var source = "drill"
    public init() {}

    /// How long after the fault something is looked at whether or not the system recovered; zero: it is not.
    public var window: Duration { max(availability?.window ?? .zero, latency?.window ?? .zero) }
    public var isEmpty: Bool {
        rto == nil && rpo == nil && !strictIntegrity && availability == nil && latency == nil
            && degradation == nil && detect == nil
    }
}

/// What a drill brings up itself; supervised by the guard, torn down afterwards.
public struct Fixture: Hashable, Sendable {
    public enum Restart: Hashable, Sendable {
        /// A runbook says `muster fixture start NAME`.
        case never
        case always(after: Duration)
    }
    public enum Readiness: Hashable, Sendable {
        case tcp(String)
        case http(String)
        /// The file is there.
        case file(String)
    }
    public var name: String
    public var run: [String]
    /// Programs that must be on the machine besides the one that is run, such as those that a script starts.
    public var needs: [String]
    public var environment: [String: String]
    public var restart: Restart
    public var ready: Readiness?
    public var readyWithin: Duration
    /// How long it may take to stop by SIGTERM.
    public var stopWithin: Duration
    /// A fault proxy instead of a program of the drill's own; `run` is empty then.
    public var proxy: FixtureProxy?

    public init(
        name: String, run: [String], needs: [String] = [], environment: [String: String] = [:],
        restart: Restart = .never,
        ready: Readiness? = nil, readyWithin: Duration = .seconds(10), stopWithin: Duration = .seconds(3),
        proxy: FixtureProxy? = nil
    ) {
        self.name = name
        self.run = run
        self.needs = needs
        self.environment = environment
        self.restart = restart
        self.ready = ready
        self.readyWithin = readyWithin
        self.stopWithin = stopWithin
        self.proxy = proxy
    }

    /// For people: what is started.
    public var inWords: String {
        guard let proxy else { return run.joined(separator: " ") }
        return "a fault proxy from \(proxy.listen) to \(proxy.upstream)"
            + (proxy.ca.map { ", whose certificate is written to \($0)" } ?? "")
    }
}

/// A fault proxy that a drill brings up.
public struct FixtureProxy: Hashable, Sendable {
    /// Whose connections are led through it, without their knowing.
    public struct Redirect: Hashable, Sendable {
        public enum Whose: Hashable, Sendable {
            case namespace(String)
            case cgroup(String)
            /// A fixture of the same drill that stands before it.
            case fixture(String)
        }
        public var whose: Whose
        public var to: [StreamAddress]
        public init(_ whose: Whose, to: [StreamAddress]) {
            self.whose = whose
            self.to = to
        }
    }
    /// Where clients connect, such as `127.0.0.1:6390`; port 0 takes a free one.
    public var listen: String
    /// The server behind it.
    public var upstream: String
    /// How long connections may take to end when it is taken down.
    public var drain: Duration
    /// Where the certificate of its authority is written, for clients that are to trust it.
    public var ca: String?
    public var redirect: Redirect?

    public init(
        listen: String, upstream: String, drain: Duration = .seconds(5), ca: String? = nil,
        redirect: Redirect? = nil
    ) {
        self.ca = ca
        self.listen = listen
        self.upstream = upstream
        self.drain = drain
        self.redirect = redirect
    }
}

public struct DrillProbe: Sendable {
    public var name: String
    public var kind: String
    public var probe: any Probe
    public var setting: ProbeSetting
    public init(name: String, kind: String, probe: any Probe, setting: ProbeSetting) {
        self.name = name
        self.kind = kind
        self.probe = probe
        self.setting = setting
    }
}

public struct DrillWorkload: Sendable {
    public var name: String
    public var kind: String
    public var workload: any Workload
    public var setting: WorkloadSetting
    public init(name: String, kind: String, workload: any Workload, setting: WorkloadSetting) {
        self.name = name
        self.kind = kind
        self.workload = workload
        self.setting = setting
    }
}

/// What must hold, and for how long, before anything is broken.
public struct Steady: Hashable, Sendable {
    public var duration: Duration = .seconds(2)
    public var success = Percentage(millionths: 1_000_000)
    /// 99th percentile of latency, from due times.
    public var p99: Duration?
    /// How long it may take to become steady.
    public var within: Duration = .seconds(30)
    public init() {}
}

/// When the system counts as recovered.
public struct Recovered: Hashable, Sendable {
    /// How long it must stay good.
    public var stable: Duration = .seconds(30)
    /// The deadline; nil: 3 × RTO + stable.
    public var within: Duration?
    public init() {}
    public func deadline(rto: Duration?) -> Duration { within ?? (rto ?? .seconds(30)) * 3 + stable }
}

public struct AbortRule: Hashable, Sendable {
    public struct Condition: Hashable, Sendable {
        public var probe: String
        public var failing: Duration
        public init(probe: String, failing: Duration) {
            self.probe = probe
            self.failing = failing
        }
    }
    /// Bounds the whole run.
    public var after: Duration = .seconds(600)
    public var when: [Condition] = []
    public init() {}
}
