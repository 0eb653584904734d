import MusterCore
import MusterDrills

/// Reads steps, which are one of several forms each.
struct StepReader {
    /// What the lint wants to know about an injection and where it stands.
    struct Injection {
        var step: InjectStep
        var node: FormNode
    }

    let reader: DrillReader
    let targets: [String: DrillTarget]
    /// Names of targets in the file, also of those that could not be read.
    let written: Set<String>
    /// How long the run lasts at most.
    let bound: Duration
    /// How long an alert is waited for, where the step does not say.
    let noticing: Duration
    var problems: [FormProblem] = []
    private(set) var injections: [Injection] = []
    private(set) var lifts: [(name: String, node: FormNode)] = []
    /// Those of restores among them.
    private(set) var runbooks: [FormNode] = []
    private(set) var alerts: [(name: String, node: FormNode)] = []
    private(set) var restores: [FormNode] = []
    /// Injections that could not be read, so that lifting them is not reported as well.
    private(set) var unread: Set<String> = []

    init(
        reader: DrillReader, targets: [String: DrillTarget], written: Set<String>, bound: Duration,
        noticing: Duration
    ) {
        self.reader = reader
        self.targets = targets
        self.written = written
        self.bound = bound
        self.noticing = noticing
    }

    mutating func read(_ nodes: [FormNode], under path: String) -> [Step] {
        var steps: [Step] = []
        for (index, node) in nodes.enumerated() {
            var found: [FormProblem] = []
            let step = gathering(&found, under: "\(path)[\(index)]", node) {
                try read(node, under: "\(path)[\(index)]")
            }
            problems += found
            if let step, let step { steps.append(step) }
        }
        return steps
    }

    static let kinds = ["inject", "wait", "lift", "runbook", "restore", "parallel", "alert"]

    private mutating func read(_ node: FormNode, under path: String) throws -> Step? {
        let keys = node.entries?.map(\.key) ?? []
        let found = Self.kinds.filter { keys.contains($0) }
        guard found.count == 1 else {
            let stranger = node.entries?.first { !Self.kinds.contains($0.key) }
            throw FormProblem(
                found.isEmpty ? "a step that does nothing known" : "a step that does several things",
                at: node.place, expected: "one of " + Self.kinds.joined(separator: ", "),
                nearest: stranger.flatMap { nearestWord(to: $0.key, among: Self.kinds) })
        }
        switch found[0] {
        case "inject": return try inject(node)
        case "wait":
            let form = try WaitForm(node: node)
            return Step(.wait(form.wait), at: form.at)
        case "alert":
            let form = try AlertStepForm(node: node)
            alerts.append((form.alert, node))
            return Step(.alert(form.alert, within: form.within ?? noticing), at: form.at)
        case "lift":
            let form = try LiftForm(node: node)
            lifts.append((form.lift, node))
            return Step(.lift(form.lift), at: form.at)
        case "runbook":
            let form = try RunbookForm(node: node)
            runbooks.append(node)
            return Step(.runbook(RunbookStep(path: form.runbook, variables: form.variables)), at: form.at)
        case "restore":
            let form = try RestoreForm(node: node)
            runbooks.append(node)
            restores.append(node)
            let plan = RestorePlan(
                source: form.source, into: form.into, maxAge: form.maxAge, within: form.within)
            return Step(
                .runbook(RunbookStep(path: form.restore, variables: form.variables, restore: plan)),
                at: form.at)
        default:
            let form = try ParallelForm(node: node)
            let steps = read(form.parallel.map(\.node), under: path + ".parallel")
            return Step(.parallel(steps), at: form.at)
        }
    }

    private mutating func inject(_ node: FormNode) throws -> Step? {
        if let name = node["as"]?.text ?? node["inject"]?.text { unread.insert(name) }
        let fault = readFault(node)
        let form = try InjectForm(node: node)
        guard let fault else { return nil }
        let name = form.name ?? form.inject
        if let problem = nameProblem(name, node["as"]?.place) { throw problem }
        if injections.contains(where: { $0.step.name == name }) {
            throw FormProblem(
                "a second injection named '\(name)'", at: node["as"]?.place ?? node["inject"]?.place,
                path: "as", expected: "as: another name")
        }
        let step = InjectStep(
            name: name, faultName: form.inject, fault: fitting(fault, hold: form.hold), target: form.into,
            hold: form.hold,
            recovery: form.recovery, clock: form.clock)
        injections.append(Injection(step: step, node: node))
        unread.remove(name)
        checkTarget(step, node)
        return Step(.inject(step), at: form.at)
    }

    /// A fault that would end by itself gets a deadline that does not come before its lift.
    private func fitting(_ fault: any Fault, hold: Duration?) -> any Fault {
        guard var own = fault as? any SelfEnding, own.deadline == nil else { return fault }
        own.deadline = FaultDeadline.fitting(hold: hold, bound: bound)
        return own
    }

    private mutating func readFault(_ node: FormNode) -> (any Fault)? {
        guard let named = node["inject"], let name = named.text else { return nil }
        guard reader.faults.type(named: name) != nil else {
            problems.append(
                FormProblem(
                    "unknown fault '\(name)'", at: named.place, path: "inject",
                    expected: "one of " + reader.faults.names.sorted().joined(separator: ", "),
                    nearest: nearestWord(to: name, among: reader.faults.names)))
            return nil
        }
        let fields = node["with"] ?? FormNode(.map([]), place: node.place)
        return gathering(&problems, under: "with", fields) {
            try reader.faults.fault(named: name, from: fields)
        } ?? nil
    }

    private mutating func checkTarget(_ step: InjectStep, _ node: FormNode) {
        let place = node["into"]?.place
        guard let target = targets[step.target] else {
            if written.contains(step.target) { return }
            problems.append(
                FormProblem(
                    "unknown target '\(step.target)'", at: place, path: "into",
                    expected: targets.isEmpty
                        ? "a name under 'targets:'"
                        : "one of " + targets.keys.sorted().joined(separator: ", "),
                    nearest: nearestWord(to: step.target, among: targets.keys)))
            return
        }
        let allowed = type(of: step.fault).targets
        if !allowed.contains(target.kind) {
            problems.append(
                FormProblem(
                    "\(step.faultName) cannot be aimed at '\(step.target)', which is a \(target.kind.rawValue)",
                    at: place, path: "into",
                    expected: "a target of the kind "
                        + allowed.map(\.rawValue).sorted().joined(separator: " or ")))
        }
    }
}

extension DrillTarget {
    /// The word by which a fault says what it can be aimed at.
    var kind: Target.Kind {
        switch selector {
        case .fixture, .process: .process
        case .path: .path
        case .network, .fixtureNetwork: .network
        case .proxy, .fixtureProxy: .proxy
        case .host: .host
        }
    }
}
