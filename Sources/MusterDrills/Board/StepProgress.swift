import MusterCore

/// How far a drill has come in its steps, by its events.
struct StepProgress: Sendable {
    private var begun: [String: Instant] = [:]
    private var done: [String: Instant] = [:]
    /// Steps of runbooks that are over, with how long they took.
    private(set) var runbookSteps: [(name: String, took: Duration)] = []
    private var openRunbook: String?
    /// Where waits begin: the end of what came before them.
    private var lastDone: Instant?
    private var isEndedEarly = false
    private var hasSteps = false

    /// A step and how it stands.
    struct Place: Hashable, Sendable {
        var index: Int
        var begun: Instant?
    }

    mutating func apply(_ event: Event) {
        switch event.kind {
        case .injecting: begin("inject", event)
        case .injected: finish("inject", event)
        case .lifting: begin("lift", event)
        case .lifted: finish("lift", event)
        case .runbookStarted:
            begin("runbook", event)
            openRunbook = event.subject
            runbookSteps = []
        case .runbookStep:
            runbookSteps.append((event.subject, event.detail.duration("nanoseconds") ?? .zero))
        case .runbookFinished:
            finish("runbook", event)
            openRunbook = nil
        // Only once the fault struck; what fired before is no answer to it.
        case .alert: if hasSteps { finish("alert", event) }
        case .abort, .writersStopped: isEndedEarly = true
        case .stepFinished: isEndedEarly = isEndedEarly || event.detail["ok"]?.asBool == false
        default: break
        }
    }

    private mutating func begin(_ kind: String, _ event: Event) {
        hasSteps = true
        begun["\(kind) \(event.subject)"] = event.at
    }

    private mutating func finish(_ kind: String, _ event: Event) {
        done["\(kind) \(event.subject)"] = event.at
        lastDone = event.at
    }

    /// - Parameter isStepping: whether the run carries steps out, where that is known.
    /// - Returns: the step that is under way, and the one that follows it.
    func places(in steps: [RunPlan.Step], isStepping: Bool?) -> (current: Place?, next: Int?) {
        guard !isEndedEarly else { return (nil, nil) }
        func key(_ step: RunPlan.Step) -> String { "\(step.kind.rawValue) \(step.name)" }
        let last = steps.lastIndex { (begun[key($0)] ?? done[key($0)]) != nil }
        guard let last else {
            // A wait may come first.
            let first = steps.first.map { $0.kind.isWait && isStepping == true } ?? false
            if first { return (Place(index: 0), steps.count > 1 ? 1 : nil) }
            return (nil, steps.isEmpty ? nil : 0)
        }
        var index = last
        if done[key(steps[last])] != nil { index += 1 }
        // The end of the steps, and then whatever comes after the recovery.
        guard index < steps.count else { return (nil, nil) }
        let step = steps[index]
        let follows = index + 1 < steps.count ? index + 1 : nil
        if index == last { return (Place(index: index, begun: begun[key(step)]), follows) }
        if step.kind.isWait, isStepping != false {
            return (Place(index: index, begun: lastDone), follows)
        }
        return (nil, index)
    }

    /// The step of the runbook that is carried out now, as far as events tell; nil when none is, or all are over.
    func runbookStep(of step: RunPlan.Step) -> Int? {
        guard openRunbook == step.name else { return nil }
        guard let last = runbookSteps.last else { return step.steps.isEmpty ? nil : 0 }
        guard let place = step.steps.firstIndex(where: { $0.name == last.name }) else { return nil }
        return place + 1 < step.steps.count ? place + 1 : nil
    }
}
