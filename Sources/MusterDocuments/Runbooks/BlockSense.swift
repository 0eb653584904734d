import MusterCore
import MusterDrills

/// Attributes of a block that contradict each other, each of them right by itself.
enum BlockSense {
    /// What can never succeed.
    static func error(_ form: BlockForm, _ node: FormNode) -> FormProblem? {
        let item = form.times
        if form.kind == .wait, item.interval * (item.stable - 1) >= item.timeout {
            return FormProblem(
                "\(item.stable) looks, \(item.interval.unitsText) apart, never fit into \(item.timeout.unitsText)",
                at: node["stable"]?.place ?? node["interval"]?.place,
                expected: "fewer or quicker looks, or a longer timeout")
        }
        if case .step(let name)? = form.onFailure, name == form.name {
            return FormProblem(
                "'\(name)' that fails would lead to itself", at: node["onFailure"]?.place,
                expected: "another step; retries or a wait try again")
        }
        return nil
    }

    /// What has no effect.
    static func warnings(_ form: BlockForm, _ node: FormNode) -> [FormProblem] {
        let item = form.times
        var problems: [FormProblem] = []
        func warn(_ message: String, _ key: String, _ expected: String) {
            problems.append(FormProblem(message, at: node[key]?.place, expected: expected))
        }
        if form.kind == .wait, item.stable == 1, item.interval >= item.timeout {
            warn(
                "only one look fits into \(item.timeout.unitsText)",
                node["interval"] == nil ? "timeout" : "interval",
                "an interval below the timeout; a check looks once")
        }
        if item.retry.count == 0 {
            for key in ["retryOn", "retryDelay", "backoff", "maxDelay"] where node[key] != nil {
                warn("'\(key)' without retries does nothing", key, "\"retries\":\"1\" or more")
            }
        } else if item.retry.delay >= item.timeout {
            warn(
                "after \(item.retry.delay.unitsText) the timeout of \(item.timeout.unitsText) is over: nothing is "
                    + "tried again", node["retryDelay"] == nil ? "timeout" : "retryDelay",
                "a delay below the timeout")
        }
        return problems
    }
}
