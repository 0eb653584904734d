import MusterCore
import MusterDrills

/// The file as a whole. What depends on the catalogues (probes, workloads, steps) stays a tree here.
struct DrillForm: Formed {
    var format = 1
    var drill = ""
    var service: String?
    var owner: String?
    var environment = Environment.lab
    var failureMode: String?
    var expect: String?
    var predict = Prediction()
    var variables = Named<VariableForm>()
    var objectives = ObjectivesForm()
    var hosts: Raw?
    var scratch: ScratchForm?
    var fixtures = Named<FixtureForm>()
    var targets = Named<TargetForm>()
    var probes: Raw?
    var workloads: Raw?
    var datasets: Raw?
    var judgedBy: [String] = []
    var measure: NotYet?
    var alertSources = Named<AlertSource>()
    var alerts = Named<ExpectedAlert>()
    var steady = Steady()
    var steps: [Raw] = []
    var recovered = Recovered()
    var after: [Raw] = []
    var abort = AbortRule()

    static let form = Form(
        "drill", "A disaster-recovery drill for Muster.", blank: DrillForm(),
        fields: heading + systems + course)

    private static let heading: [Field<DrillForm>] = [
        Field(required: "format", \.format, "The version of this format.", in: { $0 == 1 ? nil : "1" }),
        Field(
            required: "drill", \.drill, "The drill's name.",
            in: { nameProblem($0, nil)?.expected }),
        Field("service", \.service, "The service that is drilled, as in services.yaml."),
        Field("owner", \.owner, "Who answers for it."),
        Field("environment", \.environment, default: .lab, "Where it runs; verified apart."),
        Field("failureMode", \.failureMode, "The row of the coverage matrix, such as process-crash."),
        Field("expect", \.expect, "What its owner expects, in words."),
        Field("predict", \.predict, default: Prediction(), "What its owner expects, in figures."),
        Field("vars", \.variables, default: Named(), "Variables, used as ${name}, set by --var name=value."),
        Field("objectives", \.objectives, default: ObjectivesForm(), "What must be met."),
    ]

    private static let systems: [Field<DrillForm>] = [
        Field("hosts", \.hosts, "Hosts beside 'local'."),
        Field("scratch", \.scratch, "The drill's own directory, ${scratch}."),
        Field("fixtures", \.fixtures, default: Named(), "What the drill brings up itself."),
        Field("targets", \.targets, default: Named(), "What may be broken, and nothing else."),
        Field("probes", \.probes, "What looks at the system, as a client would."),
        Field("workloads", \.workloads, "What writes to the system, so that each write is accounted for."),
        Field("datasets", \.datasets, "Data that must be after the recovery as they were before the fault."),
        Field("judgedBy", \.judgedBy, default: [], "Probes and workloads that decide; all when left out."),
        Field("measure", \.measure, "The injection from which the clock runs."),
        Field("alertSources", \.alertSources, default: Named(), "Where alerts are heard of."),
        Field("alerts", \.alerts, default: Named(), "Alerts that are to fire because of the fault."),
    ]

    private static let course: [Field<DrillForm>] = [
        Field("steady", \.steady, default: Steady(), "What must hold before anything is broken."),
        Field(required: "steps", \.steps, "What is done, in order."),
        Field("recovered", \.recovered, default: Recovered(), "When the system counts as recovered."),
        Field("after", \.after, default: [], "Failback: timed, not part of the recovery time."),
        Field("abort", \.abort, default: AbortRule(), "When the run is broken off."),
    ]
}

/// An entry of `vars:`.
struct VariableForm: Formed {
    var defaultValue: String?
    var oneOf: [String]?

    static let form = Form(
        "variable", "A variable of the drill.", blank: VariableForm(),
        fields: [
            Field("default", \.defaultValue, "Its value when --var does not set it."),
            Field("oneOf", \.oneOf, "The values that it may have."),
        ],
        check: { variable in
            if let allowed = variable.oneOf, let value = variable.defaultValue, !allowed.contains(value) {
                throw FormProblem(
                    "the default '\(value)' is not among oneOf", at: nil, path: "default",
                    expected: "one of " + allowed.joined(separator: ", "),
                    nearest: nearestWord(to: value, among: allowed))
            }
        })
}

/// `scratch: { size: 64MiB }`.
struct ScratchForm: Formed {
    var size = ByteCount(0)
    static let form = Form(
        "scratch", "The drill's own directory, as a loop mount of its own.", blank: ScratchForm(),
        fields: [
            Field(
                required: "size", \.size, "The size of its file system.",
                in: { (1 << 20...1 << 40).contains($0.bytes) ? nil : "from 1MiB to 1TiB" })
        ])
}
