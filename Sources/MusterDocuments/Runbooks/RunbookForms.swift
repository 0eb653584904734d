import MusterCore
import MusterDrills

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
                    "secret", \.secret, "env:NAME, file:PATH or cmd:COMMAND: where its value comes from.",
                    in: { text in
                        let isKnown = ["env:", "file:", "cmd:"].contains { text.hasPrefix($0) && text != $0 }
                        return isKnown ? nil : "env:NAME, file:PATH or cmd:COMMAND"
                    }),
            ],
            check: { variable in
                if variable.secret != nil, variable.defaultValue != nil {
                    throw FormProblem(
                        "a secret with a default, which would stand in the file", at: nil, path: "default",
                        expected: "only 'secret'")
                }
            })
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
