import MusterCore

/// A drill's steps on their way: each runs when the ones before it are over, those of a `parallel:` side by
/// side, those with `at:` not before their time.
struct StepProgram: Sendable {
    /// A step that has to be started now.
    enum Started: Sendable {
        case inject(InjectStep)
        case lift(String)
        case runbook(Int, RunbookStep)
    }

    private enum Waiting: Sendable, Equatable {
        case injection(String)
        case effect(String)
        case lift(String)
        case runbook(Int)
        case until(Instant)
        case alert(String, Instant)
    }

    /// One line of steps that run in order.
    private struct Lane: Sendable {
        var steps: ArraySlice<Step>
        var waiting: Waiting?
        /// Lanes of a `parallel:` that must end before this one goes on.
        var children: [Lane] = []
        var isFinished: Bool { steps.isEmpty && waiting == nil && children.isEmpty }
    }

    private var lane: Lane
    private var runbooks = 0
    private var steps: [String: InjectStep] = [:]
    private var effectsAwaited: Set<String> = []
    private var injectionsAwaited: Set<String> = []
    /// Alerts that were heard of since the first injection.
    private var noticed: [String: Instant] = [:]

    init(_ steps: [Step]) { lane = Lane(steps: steps[...]) }

    /// The injection that was over first.
    private(set) var firstInjected: String?

    var isFinished: Bool { lane.isFinished }
    func step(named name: String) -> InjectStep? { steps[name] }
    /// Whether an injection's effect is still being looked for.
    var awaitsEffect: Bool { !effectsAwaited.isEmpty }
    /// Whether an injection is under way.
    var awaitsInjection: Bool { !injectionsAwaited.isEmpty }

    mutating func cancel() {
        lane = Lane(steps: [])
        effectsAwaited = []
        injectionsAwaited = []
    }

    /// - Returns: what has to be started at `now`.
    /// - Parameter noticed: when each expected alert was heard of last as newly firing.
    mutating func due(
        _ now: Instant, firstInjection: Instant?, noticed: [String: Instant] = [:]
    ) -> [Started] {
        var started: [Started] = []
        self.noticed = noticed.filter { $0.value > firstInjection ?? now }
        var lane = lane
        advance(&lane, now, firstInjection, &started)
        self.lane = lane
        return started
    }

    /// - Returns: the step that was waited for.
    mutating func injected(_ name: String, at now: Instant) -> InjectStep? {
        release(.injection(name))
        firstInjected = firstInjected ?? name
        injectionsAwaited.remove(name)
        effectsAwaited.insert(name)
        return steps[name]
    }

    mutating func effectSettled(_ name: String) { effectsAwaited.remove(name) }
    mutating func lifted(_ name: String) { release(.lift(name)) }
    mutating func finished(runbook index: Int) { release(.runbook(index)) }

    private mutating func release(_ what: Waiting) { Self.release(what, &lane) }

    private static func release(_ what: Waiting, _ lane: inout Lane) {
        if lane.waiting == what { lane.waiting = nil }
        for index in lane.children.indices { release(what, &lane.children[index]) }
    }

    private mutating func advance(
        _ lane: inout Lane, _ now: Instant, _ firstInjection: Instant?, _ started: inout [Started]
    ) {
        while true {
            for index in lane.children.indices {
                advance(&lane.children[index], now, firstInjection, &started)
            }
            lane.children.removeAll { $0.isFinished }
            if !lane.children.isEmpty { return }
            if case .until(let time) = lane.waiting, now >= time { lane.waiting = nil }
            if case .alert(let name, let end) = lane.waiting, noticed[name] != nil || now >= end {
                lane.waiting = nil
            }
            guard lane.waiting == nil, let step = lane.steps.first else { return }
            if let at = step.at {
                // Before the first injection there is nothing to count from: such a step waits for it.
                guard let firstInjection, now >= firstInjection + at else { return }
            }
            lane.steps = lane.steps.dropFirst()
            switch step.action {
            case .wait(let duration): lane.waiting = .until(now + duration)
            case .alert(let name, let within): lane.waiting = .alert(name, now + within)
            case .inject(let inject):
                steps[inject.name] = inject
                injectionsAwaited.insert(inject.name)
                lane.waiting = .injection(inject.name)
                started.append(.inject(inject))
            case .lift(let name):
                lane.waiting = .lift(name)
                started.append(.lift(name))
            case .runbook(let runbook):
                lane.waiting = .runbook(runbooks)
                started.append(.runbook(runbooks, runbook))
                runbooks += 1
            case .parallel(let steps): lane.children = steps.map { Lane(steps: [$0]) }
            }
        }
    }
}
