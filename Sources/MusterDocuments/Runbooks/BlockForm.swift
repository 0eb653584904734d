import MusterCore
import MusterDrills

/// The attributes of a block that is executed.
struct BlockForm: Formed {
    var kind = RunbookItem.Kind.command
    var name = ""
    var timeout: Duration?
    var interval: Duration?
    var stable: Int?
    var retries: Int?
    var retryDelay: Duration?
    var retryOn: ExitCodes?
    var backoff: Double?
    var maxDelay: Duration?
    var idempotent: Bool?
    var onFailure: RunbookItem.Failure?
    var critical = true
    var rollback: RunbookItem.Rollback?
    var end = false
    var setup = false
    var role: String?
    var expect: Duration?
    var ask: String?
    var into: String?
    var secret: Bool?
    var stage: RestoreStage?
    var cwd: String?
    var interpreter: String?
    var background = false

    /// Keys of Runme's that do not change what Muster does (docs.runme.dev, "Options for Document and Cell").
    static let foreign: Set<String> = [
        "interactive", "excludeFromRunAll", "tag", "category", "ignore", "transform", "promptEnv",
        "skipPrompts",
        "mimeType", "mimetype", "terminalRows", "closeTerminalOnSuccess", "openTerminalOnError", "id",
    ]

    /// Keys that only some kinds have.
    private static let kinds: [String: Set<RunbookItem.Kind>] = [
        "interval": [.wait], "stable": [.wait],
        "retries": [.command, .check, .capture, .rollback],
        "retryDelay": [.command, .check, .capture, .rollback],
        "retryOn": [.command, .check, .capture, .rollback],
        "backoff": [.command, .check, .capture, .rollback],
        "maxDelay": [.command, .check, .capture, .rollback],
        "rollback": [.command, .manual], "setup": [.command, .check, .capture],
        "role": [.manual], "expect": [.manual], "ask": [.manual], "into": [.capture], "secret": [.capture],
        "onFailure": [.command, .check, .wait, .manual, .capture],
        "stage": [.command, .check, .wait, .manual, .capture],
        "end": [.command, .check, .wait, .manual, .capture],
    ]

    private static let common: [Field<BlockForm>] = [
        Field(required: "kind", \.kind, "command, check, wait, manual, capture or rollback."),
        Field(required: "name", \.name, "Its name.", in: { nameProblem($0, nil)?.expected }),
        Field(
            "timeout", \.timeout,
            "How long it may take, all attempts together; 5m when left out, 15m for people.",
            in: { $0 > .zero ? nil : "more than 0" }),
        Field("onFailure", \.onFailure, "abort, continue or step:NAME."),
        Field("critical", \.critical, default: true, "Whether its failure makes the runbook fail."),
        Field("rollback", \.rollback, "The block that undoes it, or none."),
        Field("end", \.end, default: false, "Whether the runbook is over once it succeeded."),
        Field("setup", \.setup, default: false, "Whether a resumed run does it again first."),
        Field(
            "stage", \.stage, "What it is for, where a backup is restored: fetch, restore, replay, verify."),
        Field("cwd", \.cwd, "Where it runs, from the runbook's own directory."),
        Field("interpreter", \.interpreter, "The shell that reads it, in place of the block's language."),
        Field("background", \.background, default: false, "false.", in: { $0 ? "false" : nil }),
    ]

    private static let repeating: [Field<BlockForm>] = [
        Field("interval", \.interval, "wait: between two looks."),
        Field(
            "stable", \.stable, "wait: successes in a row.",
            in: { (1...1000).contains($0) ? nil : "from 1 to 1000" }),
        Field(
            "retries", \.retries, "Attempts beyond the first; only of what is idempotent.",
            in: { (0...100).contains($0) ? nil : "from 0 to 100" }),
        Field("retryDelay", \.retryDelay, "Between two attempts; 1s when left out."),
        Field("retryOn", \.retryOn, "Exit codes, such as 75,124; all when left out."),
        Field(
            "backoff", \.backoff, "By how much the delay grows with each attempt.",
            in: { (1...10).contains($0) ? nil : "from 1 to 10" }),
        Field("maxDelay", \.maxDelay, "The most that the delay grows to; 60s when left out."),
        Field("idempotent", \.idempotent, "Whether doing it twice is as good as once."),
    ]

    private static let special: [Field<BlockForm>] = [
        Field("role", \.role, "manual: who may confirm it.", in: { nameProblem($0, nil)?.expected }),
        Field("expect", \.expect, "manual: how long it is expected to take."),
        Field(
            "ask", \.ask, "manual: what is to be typed as evidence, and the variable that holds it then.",
            in: { VariableName.problem($0) }),
        Field("into", \.into, "capture: the variable.", in: { VariableName.problem($0) }),
        Field("secret", \.secret, "capture: whether it is never shown or stored."),
    ]

    static let form = Form(
        "block", "A block of a runbook that is executed.", blank: BlockForm(),
        fields: common + repeating + special, check: check)

    private static let check: @Sendable (BlockForm) throws -> Void = { block in
        for (key, kinds) in kinds.sorted(by: { $0.key < $1.key })
        where block.isSet(key) && !kinds.contains(block.kind) {
            let words = kinds.map(\.rawValue).sorted().joined(separator: ", ")
            throw FormProblem(
                "'\(key)' on a \(block.kind.rawValue)", at: nil, path: key,
                expected: "'\(key)' only on: \(words)")
        }
        let isMutating = block.kind == .command || block.kind == .rollback
        if block.retries ?? 0 > 0, block.idempotent != true, isMutating {
            throw FormProblem(
                "a \(block.kind.rawValue) that is not idempotent would be tried again", at: nil,
                path: "retries",
                expected: "\"idempotent\":\"true\", or no retries")
        }
        if block.setup, block.kind == .command, block.idempotent != true {
            throw FormProblem(
                "a setup that is not idempotent would be done again when the run is resumed", at: nil,
                path: "setup", expected: "\"idempotent\":\"true\"")
        }
        if block.kind == .capture, block.into == nil {
            throw FormProblem(
                "nothing says where the captured text goes", at: nil, path: "kind",
                expected: "\"into\":\"VARIABLE\"")
        }
        if !block.critical, block.onFailure == .abort {
            throw FormProblem(
                "a failure that gives the runbook up, and is not critical", at: nil, path: "onFailure",
                expected: "continue or step:NAME, or \"critical\":\"true\"")
        }
    }

    private func isSet(_ key: String) -> Bool {
        switch key {
        case "interval": interval != nil
        case "stable": stable != nil
        case "retries": retries != nil
        case "retryDelay": retryDelay != nil
        case "retryOn": retryOn != nil
        case "backoff": backoff != nil
        case "maxDelay": maxDelay != nil
        case "rollback": rollback != nil
        case "setup": setup
        case "role": role != nil
        case "expect": expect != nil
        case "ask": ask != nil
        case "into": into != nil
        case "secret": secret != nil
        case "onFailure": onFailure != nil
        case "stage": stage != nil
        case "end": end
        default: false
        }
    }

    /// An item that has its times, and nothing that it does.
    var times: RunbookItem {
        var item = RunbookItem(
            kind: kind, name: name, heading: "", shell: "", body: "",
            timeout: timeout ?? .seconds(kind == .manual ? 900 : 300), line: 0)
        item.interval = interval ?? item.interval
        item.stable = stable ?? item.stable
        item.retry.count = retries ?? 0
        item.retry.delay = retryDelay ?? item.retry.delay
        item.retry.codes = retryOn?.codes ?? []
        item.retry.backoff = backoff ?? 1
        item.retry.longest = maxDelay ?? item.retry.longest
        return item
    }

    /// What is executed.
    func item(_ fence: Fence, shell: String) -> RunbookItem {
        var item = times
        item.heading = fence.heading
        item.shell = shell
        item.body = fence.body
        item.line = fence.line
        item.isIdempotent = item.isIdempotent || idempotent == true
        item.isCritical = critical
        item.onFailure = onFailure ?? (critical ? .abort : .proceed)
        item.rollback = rollback
        item.isEnd = end
        item.isSetup = setup
        item.role = role
        item.expected = expect
        item.ask = ask
        item.into = into
        item.isSecret = secret ?? false
        item.stage = stage
        item.directory = cwd
        return item
    }
}
