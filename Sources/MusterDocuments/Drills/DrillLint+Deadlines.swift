import MusterCore
import MusterDrills

extension DrillLint {
    /// A fault that is over by itself before it is lifted would let a system pass that only came back with its end.
    mutating func checkDeadline(_ injection: StepReader.Injection) {
        let step = injection.step
        guard let deadline = (step.fault as? any SelfEnding)?.deadline else { return }
        let least = leastHold(of: step) + FaultDeadline.margin
        guard deadline < least else { return }
        let given = injection.node["with"]?["deadline"]
        error(
            "\(step.faultName) is over by itself after \(deadline.unitsText), before it is lifted",
            given ?? injection.node["for"] ?? injection.node["inject"],
            given == nil
                ? "a hold that ends \(FaultDeadline.margin.unitsText) before \(FaultDeadline.most.unitsText), the most "
                    + "that a deadline can be"
                : "at least \(least.unitsText), the hold plus \(FaultDeadline.margin.unitsText); or no deadline, "
                    + "which is then one that fits")
    }

    /// How long it is held for certain, as far as the file tells.
    private func leastHold(of step: InjectStep) -> Duration {
        if let hold = step.hold { return hold }
        let passed = Waits(until: step.name, in: drill.steps)
        if passed.isLifted { return passed.duration }
        // It holds at least until recovery despite it can be told.
        let told = max((drill.objectives.rto ?? .zero) + drill.recovered.stable, drill.objectives.window)
        return max(passed.duration, step.recovery == .despite ? told : .zero)
    }
}

/// What the steps wait between an injection and its lift.
private struct Waits {
    var duration = Duration.zero
    var isLifted = false

    init(until name: String, in steps: [Step]) {
        var isInjected = false
        for step in steps {
            if isInjected, case .wait(let time) = step.action { duration += time }
            if Self.all(step).contains(where: { if case .lift(name) = $0.action { true } else { false } }) {
                isLifted = isInjected
                if isLifted { return }
            }
            isInjected =
                isInjected
                || Self.all(step).contains {
                    if case .inject(let inject) = $0.action { inject.name == name } else { false }
                }
        }
    }

    private static func all(_ step: Step) -> [Step] {
        if case .parallel(let steps) = step.action { steps.flatMap { all($0) } } else { [step] }
    }
}
