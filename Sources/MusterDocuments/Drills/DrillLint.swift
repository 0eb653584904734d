import MusterCore
import MusterDrills

/// Checks a drill as a whole. Errors stop it; warnings are shown, and go into its outcome.
struct DrillLint {
    let drill: Drill
    let tree: FormNode
    let steps: StepReader
    let unread: Set<String>
    private(set) var errors: [FormProblem] = []
    private(set) var warnings: [FormProblem] = []

    init(drill: Drill, tree: FormNode, steps: StepReader, unread: Set<String>) {
        self.drill = drill
        self.tree = tree
        self.steps = steps
        self.unread = unread
    }

    mutating func check() {
        checkSignals()
        checkTargets()
        for injection in steps.injections {
            checkHold(injection)
            checkDeadline(injection)
        }
        checkLifts()
        checkObjectives()
        checkSlowness()
        checkAlerts()
        checkAbort()
        checkTimes(drill.steps, tree["steps"])
    }

    mutating func error(
        _ message: String, _ node: FormNode?, _ expected: String? = nil, nearest: String? = nil
    ) {
        errors.append(FormProblem(message, at: node?.place, expected: expected, nearest: nearest))
    }

    mutating func warn(_ message: String, _ node: FormNode?, _ expected: String? = nil) {
        warnings.append(FormProblem(message, at: node?.place, expected: expected))
    }

    private var signalNames: [String] {
        ["probes", "workloads"].flatMap { tree[$0]?.entries?.map(\.key) ?? [] }
    }

    private mutating func checkSignals() {
        if signalNames.isEmpty {
            error("nothing looks at the system", tree, "at least one entry under 'probes:' or 'workloads:'")
        }
        let probes = Set(tree["probes"]?.entries?.map(\.key) ?? [])
        for entry in tree["workloads"]?.entries ?? [] where probes.contains(entry.key) {
            errors.append(
                FormProblem(
                    "'\(entry.key)' is the name of a probe already", at: entry.keyPlace,
                    expected: "another name"))
        }
        for node in tree["judgedBy"]?.list ?? [] {
            guard let name = node.text, !signalNames.contains(name) else { continue }
            error(
                "judgedBy names '\(name)', which is no probe and no workload", node,
                "one of " + signalNames.joined(separator: ", "),
                nearest: nearestWord(to: name, among: signalNames))
        }
        let writes = Set(tree["workloads"]?.entries?.map(\.key) ?? [])
        let ruling = drill.judgedBy.isEmpty ? signalNames : drill.judgedBy
        if !signalNames.isEmpty, writes.isDisjoint(with: ruling) {
            warn(
                "no write decides: a system that answers but loses writes would pass",
                tree["judgedBy"] ?? tree["probes"], "a workload, and its name in 'judgedBy' if that is given")
        }
    }

    private mutating func checkTargets() {
        let fixtures = tree["fixtures"]?.entries?.map(\.key) ?? []
        checkProxies(fixtures)
        for entry in tree["targets"]?.entries ?? [] {
            let node =
                entry.value["fixture"] ?? entry.value["network"]?["fixture"]
                ?? entry.value["proxy"]?["fixture"]
            guard let node, let name = node.text, !fixtures.contains(name) else { continue }
            error(
                "unknown fixture '\(name)'", node,
                fixtures.isEmpty ? "a name under 'fixtures:'" : "one of " + fixtures.joined(separator: ", "),
                nearest: nearestWord(to: name, among: fixtures))
        }
        if steps.injections.isEmpty, steps.unread.isEmpty, !unread.contains("steps") {
            error("no step injects a fault", tree["steps"] ?? tree, "- inject: FAULT")
        }
    }

    /// A target that is a proxy is a fixture that is one; a redirect is about a fixture that runs already.
    private mutating func checkProxies(_ fixtures: [String]) {
        let proxies = drill.fixtures.filter { $0.proxy != nil }.map(\.name)
        for entry in tree["targets"]?.entries ?? [] {
            guard let node = entry.value["proxy"]?["fixture"], let name = node.text, fixtures.contains(name),
                !proxies.contains(name), !unread.contains("fixtures")
            else { continue }
            error(
                "fixture '\(name)' is no proxy", node,
                proxies.isEmpty
                    ? "a fixture with 'proxy:'" : "one of " + proxies.joined(separator: ", "))
        }
        for (index, entry) in (tree["fixtures"]?.entries ?? []).enumerated() {
            guard let node = entry.value["proxy"]?["redirect"]?["fixture"], let name = node.text else {
                continue
            }
            let earlier = fixtures.prefix(index)
            if earlier.contains(name) { continue }
            error(
                "no fixture '\(name)' stands before '\(entry.key)'", node,
                earlier.isEmpty ? "a fixture before it" : "one of " + earlier.joined(separator: ", "),
                nearest: nearestWord(to: name, among: fixtures))
        }
    }

    private mutating func checkHold(_ injection: StepReader.Injection) {
        let step = injection.step
        let node = injection.node
        if step.fault.persistence == .instant {
            for word in ["for", "recovery"] where node[word] != nil {
                error(
                    "'\(word)' stands on \(step.faultName), which is over at once", node[word],
                    "'\(word)' only on a fault that is held")
            }
            return
        }
        guard let recovery = step.recovery else {
            error(
                "\(step.faultName) is held, and nothing says how recovery relates to it", node["inject"],
                "recovery: despite (while it holds) or recovery: after (the clock runs from lifting)")
            return
        }
        let lifted = steps.lifts.contains { $0.name == step.name }
        if recovery == .after, step.hold == nil, !lifted {
            error(
                "recovery is counted from lifting '\(step.name)', and nothing lifts it", node["recovery"],
                "for: DURATION, or a step - lift: \(step.name)")
        }
        guard recovery == .despite, let hold = step.hold else { return }
        if let rto = drill.objectives.rto, hold < rto + drill.recovered.stable {
            let least = rto + drill.recovered.stable
            error(
                "the fault is lifted before recovery despite it could be told", node["for"],
                "at least \(least.unitsText), the RTO plus 'recovered.stable'")
        } else if hold < drill.objectives.window {
            error(
                "the fault is lifted before the window of an objective is over", node["for"],
                "at least \(drill.objectives.window.unitsText)")
        }
    }

    private mutating func checkLifts() {
        let names = steps.injections.map(\.step.name)
        for (name, node) in steps.lifts {
            guard let injection = steps.injections.first(where: { $0.step.name == name }) else {
                if steps.unread.contains(name) { continue }
                error(
                    "no injection is named '\(name)'", node["lift"],
                    names.isEmpty ? "an injection before it" : "one of " + names.joined(separator: ", "),
                    nearest: nearestWord(to: name, among: names))
                continue
            }
            if injection.step.fault.persistence == .instant {
                error(
                    "'\(name)' is over at once; there is nothing to lift", node["lift"],
                    "the name of a held fault")
            }
        }
    }

    private mutating func checkObjectives() {
        let node = tree["objectives"]
        let objectives = drill.objectives
        if objectives.isEmpty, !unread.contains("objectives") {
            warn("no objective: nothing will be judged", node ?? tree, "rto and rpo under 'objectives:'")
        }
        let hasWorkload = tree["workloads"]?.entries?.isEmpty == false
        if objectives.rpo != nil || objectives.strictIntegrity, !hasWorkload {
            error(
                "lost writes are to be judged, and nothing writes",
                node?["rpo"] ?? node?["integrity"] ?? node,
                "a workload")
        }
        if objectives.allowPostFaultLoss != .forbidden, objectives.rpo == nil {
            warn(
                "'allowPostFaultLoss' bounds nothing: lost writes are not judged",
                node?["allowPostFaultLoss"],
                "rpo: 0s, or longer, beside it")
        }
        if objectives.rto != nil, objectives.rtoFrom == .declared, steps.runbooks.isEmpty {
            error(
                "the clock starts with the first runbook step, and there is none", node?["rto"]?["from"],
                "from: fault, or a step - runbook: FILE")
        }
        // One that begins after the recovery, such as a rejoin, has no part in it.
        if objectives.rto != nil, objectives.rtoFrom == .fault, objectives.detectBudget == nil,
            steps.alerts.isEmpty, let runbook = steps.runbooks.first,
            drill.steps.contains(where: \.hasRunbook)
        {
            warn(
                "detection not exercised: a scripted runbook starts without anybody noticing the fault",
                runbook["runbook"] ?? runbook["restore"], "rto: { max: …, from: declared }")
        }
        if let second = steps.restores.dropFirst().first {
            error(
                "a second restore in one drill", second["restore"], "one restore; another drill for the other"
            )
        }
        if drill.recovered.stable < .seconds(30) {
            warn(
                "weak stability: \(drill.recovered.stable.unitsText) of good answers end the outage",
                tree["recovered"]?["stable"], "stable: 30s or more")
        }
        if let rto = objectives.rto, let within = drill.recovered.within,
            within < rto + drill.recovered.stable
        {
            error(
                "the deadline ends before the RTO could be told to be missed", tree["recovered"]?["within"],
                "at least \((rto + drill.recovered.stable).unitsText), the RTO plus 'stable'")
        }
    }

    /// A fault that slows things down brings no errors that a recovery time could be taken from.
    private mutating func checkSlowness() {
        let objectives = drill.objectives
        guard objectives.rto != nil, objectives.latency == nil, objectives.degradation == nil else { return }
        let ruling = drill.ruling
        let isLimited = drill.probes.contains { ruling.contains($0.name) && $0.setting.slow != nil }
        let slowing = steps.injections.first { type(of: $0.step.fault).isSlowness }
        if let slowing, !isLimited, !unread.contains("objectives"), !unread.contains("probes") {
            error(
                "\(slowing.step.faultName) makes things slower, and only errors are looked at",
                slowing.node["inject"],
                "slow: on a probe that decides, or latency: or degradation: under 'objectives:'")
        }
    }

    private mutating func checkAbort() {
        let least = (drill.objectives.rto ?? .zero) + drill.recovered.stable
        let node = tree["abort"]
        if drill.abort.after <= drill.objectives.window {
            error(
                "the run is broken off before the window of an objective is over", node?["after"] ?? tree,
                "more than \(drill.objectives.window.unitsText)")
        }
        if drill.abort.after <= least {
            error(
                "the run is broken off before a missed objective could be told", node?["after"] ?? tree,
                "more than \(least.unitsText), the RTO plus 'recovered.stable'")
        }
        for (index, condition) in drill.abort.when.enumerated() {
            let place = node?["when"]?.list?[index]
            if !signalNames.contains(condition.probe) {
                error(
                    "abort names '\(condition.probe)', which is no probe and no workload", place?["probe"],
                    "one of " + signalNames.joined(separator: ", "),
                    nearest: nearestWord(to: condition.probe, among: signalNames))
            }
            if condition.failing <= least {
                error(
                    "the abort would hide a missed objective", place?["failing"],
                    "more than \(least.unitsText), the RTO plus 'recovered.stable'")
            }
        }
    }

    /// `at:` counts from the first injection, so one must stand before it.
    private mutating func checkTimes(_ steps: [Step], _ node: FormNode?) {
        var injected = false
        for (index, step) in steps.enumerated() {
            if step.at != nil, !injected, node?.list?.count == steps.count {
                error(
                    "'at' counts from the first injection, and none stands before it",
                    node?.list?[index]["at"])
            }
            if case .inject = step.action { injected = true }
            if case .parallel = step.action { injected = true }
        }
    }
}
