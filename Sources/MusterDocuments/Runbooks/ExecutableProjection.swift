import MusterCore
import MusterDrills

/// All that decides what a runbook executes, and nothing else: prose may change without making a proof worthless.
enum ExecutableProjection {
    static func of(_ runbook: Runbook, _ head: RunbookHead) -> Value {
        let variables = Dictionary(
            head.variables.entries.map { ($0.name, $0.item.value) }, uniquingKeysWith: { first, _ in first })
        var map: [String: Value] = [
            "format": 1, "vars": .map(variables), "objectives": head.objectives?.value ?? .null,
            "steps": .list(runbook.steps.map(of)),
        ]
        if !runbook.rollbacks.isEmpty { map["rollbacks"] = .list(runbook.rollbacks.map(of)) }
        if let directory = runbook.directory { map["cwd"] = .text(directory) }
        return .map(map)
    }

    private static func of(_ item: RunbookItem) -> Value {
        var body = Substring(item.body)
        while body.last == "\n" { body = body.dropLast() }
        var map: [String: Value] = [
            "kind": .text(item.kind.rawValue), "name": .text(item.name), "shell": .text(item.shell),
            "body": .text(String(body)), "timeout": item.timeout.value, "interval": item.interval.value,
            "stable": item.stable.value, "retries": item.retry.count.value,
            "retryDelay": item.retry.delay.value,
            "retryOn": .list(item.retry.codes.map(\.value)), "idempotent": .bool(item.isIdempotent),
            "onFailure": item.onFailure.value, "critical": .bool(item.isCritical),
        ]
        // What was added to the format later is left out where nobody uses it: older proofs keep their hash.
        map["rollback"] = item.rollback?.value
        map["role"] = item.role?.value
        map["expect"] = item.expected?.value
        map["ask"] = item.ask?.value
        map["into"] = item.into?.value
        map["cwd"] = item.directory?.value
        map["stage"] = item.stage?.value
        if item.isEnd { map["end"] = true }
        if item.isSetup { map["setup"] = true }
        if item.isSecret { map["secret"] = true }
        if item.retry.backoff > 1 {
            map["backoff"] = item.retry.backoff.value
            map["maxDelay"] = item.retry.longest.value
        }
        return .map(map)
    }
}
