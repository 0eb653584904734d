import MusterCore

/// The attributes of a block that is executed.
struct BlockForm: Formed {
    var kind = RunbookItem.Kind.command
    var name = ""
    var timeout: Duration = .seconds(300)
    var interval: Duration?
    var stable: Int?
    var retries = 0
    var retryDelay: Duration = .seconds(1)
    var retryOn = ExitCodes(codes: [])
    var idempotent = false
    var onFailure = RunbookItem.Failure.abort
    var critical = true
    var rollback: NotYet?
    var cwd: NotYet?
    var interpreter: NotYet?
    var background = false

    /// Keys of Runme's that do not change what Muster does.
    static let foreign: Set<String> = [
        "interactive", "excludeFromRunAll", "tag", "ignore", "transform", "promptEnv", "skipPrompts",
        "mimetype", "terminalRows", "closeTerminalOnSuccess", "id",
    ]

    static let form = Form(
        "block", "A block of a runbook that is executed.", blank: BlockForm(),
        fields: [
            Field(required: "kind", \.kind, "command, check or wait."),
            Field(required: "name", \.name, "Its name.", in: { nameProblem($0, nil)?.expected }),
            Field(
                "timeout", \.timeout, default: .seconds(300), "How long it may take, all attempts together."),
            Field("interval", \.interval, "wait: between two looks."),
            Field(
                "stable", \.stable, "wait: successes in a row.",
                in: { (1...1000).contains($0) ? nil : "from 1 to 1000" }),
            Field(
                "retries", \.retries, default: 0, "Attempts beyond the first; only of what is idempotent.",
                in: { (0...100).contains($0) ? nil : "from 0 to 100" }),
            Field("retryDelay", \.retryDelay, default: .seconds(1), "Between two attempts."),
            Field(
                "retryOn", \.retryOn, default: ExitCodes(codes: []),
                "Exit codes, such as 75,124; all when left out."),
            Field("idempotent", \.idempotent, default: false, "Whether doing it twice is as good as once."),
            Field("onFailure", \.onFailure, default: .abort, "abort, continue or step:NAME."),
            Field("critical", \.critical, default: true, "Whether its failure makes the runbook fail."),
            Field("rollback", \.rollback, "The block that undoes it."),
            Field("cwd", \.cwd, "Where it runs."),
            Field("interpreter", \.interpreter, "What reads it."),
            Field("background", \.background, default: false, "false.", in: { $0 ? "false" : nil }),
        ],
        check: { block in
            if block.retries > 0, !block.idempotent, block.kind == .command {
                throw FormProblem(
                    "a command that is not idempotent would be tried again", at: nil, path: "retries",
                    expected: "\"idempotent\":\"true\", or no retries")
            }
            for (key, isSet) in [("interval", block.interval != nil), ("stable", block.stable != nil)]
            where isSet && block.kind != .wait {
                throw FormProblem(
                    "'\(key)' on a \(block.kind.rawValue)", at: nil, path: key,
                    expected: "'\(key)' only on a wait")
            }
        })
}

/// `75,124`.
struct ExitCodes: FormValue {
    var codes: [Int]
    static var shape: Shape { .text }
    var value: Value { .text(codes.map(String.init).joined(separator: ",")) }
    init(codes: [Int]) { self.codes = codes }
    init(node: FormNode) throws {
        codes = try (node.text ?? "").split(separator: ",", omittingEmptySubsequences: false).map {
            guard let code = Int($0), (1...255).contains(code) else {
                throw FormProblem(
                    "found \(node.inWords)", at: node.place,
                    expected: "exit codes from 1 to 255, such as 75,124")
            }
            return code
        }
    }
}

/// `muster:` in the front matter.
struct RunbookHead: Formed {
    var id: String?
    var service: String?
    var tier: String?
    var owner: String?
    var approvers: [String] = []
    var objectives: Targets?
    var verifyEvery: Duration?
    var testedWith: [String: String] = [:]
    var variables = Named<VariableForm>()

    struct Targets: Formed {
        var rto: Duration?
        var rpo: Duration?
        var mtd: Duration?
        static let form = Form(
            "objectives", "What the runbook is written for.", blank: Targets(),
            fields: [
                Field("rto", \.rto, "Recovery time."), Field("rpo", \.rpo, "Recovery point."),
                Field("mtd", \.mtd, "Maximum tolerable downtime."),
            ])
    }

    struct VariableForm: Formed {
        var required = false
        var defaultValue: String?
        var pattern: String?
        var secret: String?
        static let form = Form(
            "variable", "A variable, given to steps in their environment.", blank: VariableForm(),
            fields: [
                Field("required", \.required, default: false, "Whether it must be given."),
                Field("default", \.defaultValue, "Its value when it is not given."),
                Field("pattern", \.pattern, "A regular expression for its whole value."),
                Field(
                    "secret", \.secret, "env:NAME or file:PATH.",
                    in: { $0.hasPrefix("env:") || $0.hasPrefix("file:") ? nil : "env:NAME or file:PATH" }),
            ])
    }

    static let form = Form(
        "muster", "What Muster knows of a runbook.", blank: RunbookHead(),
        fields: [
            Field("id", \.id, "Its name in reports."), Field("service", \.service, "The service."),
            Field("tier", \.tier, "The service's tier."), Field("owner", \.owner, "Who answers for it."),
            Field("approvers", \.approvers, default: [], "Who may approve its use."),
            Field("objectives", \.objectives, "What it is written for."),
            Field("verifyEvery", \.verifyEvery, "How often it must have been proven."),
            Field("testedWith", \.testedWith, default: [:], "Versions that it was tested with."),
            Field("vars", \.variables, default: Named(), "Its variables."),
        ])
}
