import MusterCore
import MusterDrills

/// An entry of `tiers:`: what its services inherit.
struct TierForm: Formed {
    var objectives = ServiceObjectives()

    static let form = Form(
        "tier", "Objectives that the services of a tier inherit.", blank: TierForm(),
        fields: [
            Field("rto", \.objectives.rto, "Recovery time objective."),
            Field("rpo", \.objectives.rpo, "Recovery point objective; 0s is judged by count."),
            Field(
                "allowPostFaultLoss", \.objectives.allowPostFaultLoss,
                "Which writes acknowledged after a fault may be lost: false (left out), 3s, or true."),
            Field("integrity", \.objectives.integrity, "strict: nothing duplicated, corrupt or stale."),
            Field(
                "detect", \.objectives.detect,
                "The most that may pass until an alert fires; for drills that expect alerts."),
            Field("mtd", \.objectives.mtd, "Maximum tolerable downtime; at least the RTO."),
            Field("verifyEvery", \.objectives.verifyEvery, "How often a drill must have passed."),
            Field(
                "availability", \.objectives.availability,
                "Over a long time, such as { min: 99.9%, window: 30d }: the error budget that outages are set against."
            ),
            Field("latencyBudget", \.objectives.latencyBudget, "Latency objective."),
        ],
        check: { try $0.objectives.check() })
}

/// An entry of `services:`.
struct ServiceForm: Formed {
    var tier: String?
    var owner: String?
    var objectives = ServiceObjectives()
    var loosened: Loosening?
    var failureModes: [FailureModeForm] = []
    var dependsOn: [String] = []

    static let form = Form(
        "service", "A service, what it must live up to, and what must be drilled.", blank: ServiceForm(),
        fields: [
            Field("tier", \.tier, "The tier whose objectives it inherits."),
            Field("owner", \.owner, "Who answers for it."),
            Field("rto", \.objectives.rto, "Recovery time objective."),
            Field("rpo", \.objectives.rpo, "Recovery point objective; 0s is judged by count."),
            Field(
                "allowPostFaultLoss", \.objectives.allowPostFaultLoss,
                "Which writes acknowledged after a fault may be lost: false (left out), 3s, or true."),
            Field("integrity", \.objectives.integrity, "strict: nothing duplicated, corrupt or stale."),
            Field(
                "detect", \.objectives.detect,
                "The most that may pass until an alert fires; for drills that expect alerts."),
            Field("mtd", \.objectives.mtd, "Maximum tolerable downtime; at least the RTO."),
            Field("verifyEvery", \.objectives.verifyEvery, "How often a drill must have passed."),
            Field(
                "availability", \.objectives.availability,
                "Over a long time, such as { min: 99.9%, window: 30d }: the error budget that outages are set against."
            ),
            Field("latencyBudget", \.objectives.latencyBudget, "Latency objective."),
            Field("loosened", \.loosened, "Who allowed looser objectives than the tier's, until when."),
            Field("failureModes", \.failureModes, default: [], "What must be covered by drills."),
            Field("dependsOn", \.dependsOn, default: [], "Services that it needs."),
        ],
        check: { try $0.objectives.check() })
}

/// What a tier or a service asks for.
struct ServiceObjectives: Sendable {
    var rto: RecoveryTimeForm?
    var rpo: Duration?
    var allowPostFaultLoss: PostFaultLoss?
    var integrity: ObjectivesForm.Integrity?
    var detect: Duration?
    var mtd: Duration?
    var verifyEvery: Duration?
    var availability: AvailabilityGoal?
    var latencyBudget: NotYet?

    func check() throws {
        if let rto = rto?.max, let mtd, rto > mtd {
            throw FormProblem(
                "the RTO is longer than the maximum tolerable downtime", at: nil, path: "rto",
                expected: "at most \(mtd.unitsText)")
        }
    }

    /// This one's objectives, and where it is silent, those of `other`.
    func over(_ other: Self?) -> Self {
        guard let other else { return self }
        var merged = self
        merged.rto = rto ?? other.rto
        merged.rpo = rpo ?? other.rpo
        merged.allowPostFaultLoss = allowPostFaultLoss ?? other.allowPostFaultLoss
        merged.integrity = integrity ?? other.integrity
        merged.detect = detect ?? other.detect
        merged.mtd = mtd ?? other.mtd
        merged.verifyEvery = verifyEvery ?? other.verifyEvery
        merged.availability = availability ?? other.availability
        return merged
    }

    /// Which writes acknowledged after a fault may be lost at most; nil where no recovery point is asked for.
    var mostPostFaultLoss: PostFaultLoss? { allowPostFaultLoss ?? (rpo == nil ? nil : .forbidden) }

    /// The keys that are looser here than in `other`.
    func looser(than other: Self) -> [String] {
        func exceeds<Limit: Comparable>(_ mine: Limit?, _ theirs: Limit?) -> Bool {
            if let mine, let theirs { mine > theirs } else { false }
        }
        return [
            exceeds(rto?.max, other.rto?.max) ? "rto" : nil, exceeds(rpo, other.rpo) ? "rpo" : nil,
            exceeds(allowPostFaultLoss, other.mostPostFaultLoss) ? "allowPostFaultLoss" : nil,
            exceeds(detect, other.detect) ? "detect" : nil, exceeds(mtd, other.mtd) ? "mtd" : nil,
            exceeds(verifyEvery, other.verifyEvery) ? "verifyEvery" : nil,
            exceeds(availability?.budgetOfADay, other.availability?.budgetOfADay) ? "availability" : nil,
        ].compactMap { $0 }
    }
}

extension AvailabilityGoal {
    /// How long a day it leaves to be down, whatever its window.
    fileprivate var budgetOfADay: Duration { Self(min: min, window: .seconds(86_400)).budget }
}

/// `process-crash`, or `{ mode: power-loss, scope: host }`.
struct FailureModeForm: FormValue {
    var mode: String
    var scope: DurabilityScope?

    struct Fields: Formed {
        var mode = ""
        var scope: DurabilityScope?
        static let form = Form(
            "failure mode", "What must be covered by drills.", blank: Fields(),
            fields: [
                Field(required: "mode", \.mode, "The word that drills give as failureMode."),
                Field("scope", \.scope, "The least durability that the proof must be about."),
            ])
    }

    static var shape: Shape { .either([.text, Fields.shape]) }
    var value: Value { scope == nil ? .text(mode) : Fields(mode: mode, scope: scope).value }
    init(node: FormNode) throws {
        if let text = node.text {
            mode = text
        } else {
            let fields = try Fields(node: node)
            mode = fields.mode
            scope = fields.scope
        }
    }
}

/// `drills/services.yaml` as a whole.
struct ServicesForm: Formed {
    var format = 1
    var tiers = Named<TierForm>()
    var services = Named<ServiceForm>()

    static let form = Form(
        "services", "Services and the objectives that they must live up to.", blank: ServicesForm(),
        fields: [
            Field(required: "format", \.format, "The version of this format.", in: { $0 == 1 ? nil : "1" }),
            Field("tiers", \.tiers, default: Named(), "Objectives that services inherit."),
            Field(required: "services", \.services, "The services."),
        ])
}
