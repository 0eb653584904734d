import MusterCore

extension DrillRunner.Phase {
    /// For people, such as `watching the recovery`.
    public var words: String {
        switch self {
        case .preparing: "reading the datasets"
        case .fixtures: "starting fixtures"
        case .steady: "waiting for the steady state"
        case .warmingUp: "warming up the workload"
        case .waiting: "waiting for the moment of the fault"
        case .steps: "running the steps"
        case .recovering: "watching the recovery"
        case .after: "running the steps after recovery"
        case .stopping: "stopping the writers"
        case .readingBack: "reading the ledger back"
        case .undoing: "undoing"
        case .steadyAgain: "proving the steady state again"
        case .fixturesDown: "taking the fixtures down"
        case .finished: "finished"
        }
    }
}
