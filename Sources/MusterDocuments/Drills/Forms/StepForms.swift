import MusterCore
import MusterDrills

/// `- inject: process-kill`.
struct InjectForm: Formed {
    var inject = ""
    var name: String?
    var into = ""
    var with: Raw?
    var hold: Duration?
    var recovery: InjectStep.Recovery?
    var clock = InjectStep.Clock.injected
    var mending: MendingWord?
    var detached: NotYet?
    var at: Duration?

    /// Data faults are mended by the recovery under test; the word says so where people look for it.
    enum MendingWord: String, FormWord {
        case byRecovery
    }

    static let form = Form(
        "inject", "Breaks something.", blank: InjectForm(),
        fields: [
            Field(required: "inject", \.inject, "The fault; 'muster faults' lists them."),
            Field("as", \.name, "A name for the injection; the fault's when it is left out."),
            Field(required: "into", \.into, "The target."),
            Field("with", \.with, "The fault's parameters."),
            Field("for", \.hold, "Held faults: lifted by itself after this."),
            Field("recovery", \.recovery, "Held faults: despite (while it holds) or after (once lifted)."),
            Field(
                "clock", \.clock, default: .injected,
                "When the fault counts as begun: injected, or effective (when its effect is first seen, for what "
                    + "builds up)."),
            Field(
                "mending", \.mending,
                "Data faults: the recovery under test mends the harm, as it always does."),
            Field("detached", \.detached, "Lets the injection outlive its connection."),
            Field("at", \.at, "Since the first injection."),
        ],
        check: { step in
            if step.mending != nil, !step.inject.hasPrefix("file-") {
                throw FormProblem(
                    "'\(step.inject)' harms no data: Muster itself mends it", at: nil, path: "mending",
                    expected: "no 'mending', which is for file-corrupt and its kind")
            }
        })
}

/// `- wait: 1s`.
struct WaitForm: Formed {
    var wait: Duration = .zero
    var at: Duration?
    static let form = Form(
        "wait", "Waits.", blank: WaitForm(),
        fields: [
            Field(required: "wait", \.wait, "How long."), Field("at", \.at, "Since the first injection."),
        ])
}

/// `- alert: NAME`.
struct AlertStepForm: Formed {
    var alert = ""
    var within: Duration?
    var at: Duration?
    static let form = Form(
        "alert", "Waits until an expected alert fires, as people do; then, or when it did not, goes on.",
        blank: AlertStepForm(),
        fields: [
            Field(required: "alert", \.alert, "A name under alerts."),
            Field(
                "within", \.within,
                "How long it waits; as long as 'detect' under objectives when left out, or 60s."),
            Field("at", \.at, "Since the first injection."),
        ])
}

/// `- lift: NAME`.
struct LiftForm: Formed {
    var lift = ""
    var at: Duration?
    static let form = Form(
        "lift", "Ends a held fault.", blank: LiftForm(),
        fields: [
            Field(required: "lift", \.lift, "The injection's name."),
            Field("at", \.at, "Since the first injection."),
        ])
}

/// `- runbook: restart.md`.
struct RunbookForm: Formed {
    var runbook = ""
    var variables: [String: String] = [:]
    var on: HostWord?
    var at: Duration?
    static let form = Form(
        "runbook", "Follows a runbook.", blank: RunbookForm(),
        fields: [
            Field(required: "runbook", \.runbook, "Its path, relative to runbooks/ or to the drill."),
            Field("vars", \.variables, default: [:], "Its variables."),
            Field("on", \.on, "The host."),
            Field("at", \.at, "Since the first injection."),
        ])
}

/// `- restore: restore-files.md`.
struct RestoreForm: Formed {
    var restore = ""
    var variables: [String: String] = [:]
    var source: [String] = []
    var into = ""
    var maxAge: Duration?
    var within = DatasetSetting().within
    var at: Duration?
    static let form = Form(
        "restore", "Follows a runbook that restores a backup onto a clean place.", blank: RestoreForm(),
        fields: [
            Field(required: "restore", \.restore, "Its path, relative to runbooks/ or to the drill."),
            Field("vars", \.variables, default: [:], "Its variables."),
            Field(
                required: "source", \.source,
                "Where the backup lies: directories or files, which must be the same afterwards.",
                in: { $0.isEmpty ? "at least one path" : $0.lazy.compactMap(problem(ofPlace:)).first }),
            Field(
                required: "into", \.into, "Where it is restored to: absent or empty, or it is refused.",
                in: problem(ofPlace:)),
            Field("maxAge", \.maxAge, "The oldest that the backup may be when the fault strikes."),
            Field(
                "within", \.within, default: DatasetSetting().within,
                "How long reading the source once may take: it is read before the runbook begins, and after it.",
                in: { $0 >= .seconds(1) && $0 <= .seconds(86_400) ? nil : "from 1s to 24h" }),
            Field("at", \.at, "Since the first injection."),
        ],
        check: { step in
            let (into, sources) = (step.into + "/", step.source.map { $0 + "/" })
            if let source = sources.first(where: { into.hasPrefix($0) || $0.hasPrefix(into) }) {
                throw FormProblem(
                    "the backup in \(source.dropLast()) would be restored over itself", at: nil, path: "into",
                    expected: "a place that neither holds the backup nor lies in it")
            }
        })

    @Sendable private static func problem(ofPlace path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain =
            path.hasPrefix("/") && path.count > 1
            && !parts.dropFirst().contains { ["", ".", ".."].contains($0) }
        return isPlain ? nil : "an absolute path below /, without '.', '..' or an empty part"
    }
}

/// `- parallel: [...]`.
struct ParallelForm: Formed {
    var parallel: [Raw] = []
    var at: Duration?
    static let form = Form(
        "parallel", "Steps that begin together.", blank: ParallelForm(),
        fields: [
            Field(required: "parallel", \.parallel, "The steps."),
            Field("at", \.at, "Since the first injection."),
        ])
}
