import Foundation
import MusterCore
import MusterDocuments
import MusterGuard
import MusterSystem

/// Runs the steps of a runbook in order, each in a session of its own, timed and recorded.
struct RunbookExecution {
    let runbook: Runbook
    let environment: [String: String]
    let directory: String
    let events: RunEvents
    private let redaction: Redaction
    let isCancelled: @Sendable () -> Bool
    private let clock = SystemTimekeeper()

    init(
        _ runbook: Runbook, environment: [String: String], directory: String, events: RunEvents,
        secrets: Set<String>,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.runbook = runbook
        self.environment = environment
        self.directory = directory
        self.events = events
        // Programs also show what they were given as they send it.
        let encoded = secrets.map { Data($0.utf8).base64EncodedString() }
        redaction = Redaction(secrets.union(encoded))
        self.isCancelled = isCancelled
    }

    /// How one attempt at a step ended. Timed out, failed and cancelled are different things.
    private enum Attempt {
        case succeeded(String)
        case failed(Int32, String)
        case timedOut(String)
        case cancelled

        var isSuccess: Bool { if case .succeeded = self { true } else { false } }
        var output: String {
            switch self {
            case .succeeded(let text), .failed(_, let text), .timedOut(let text): text
            case .cancelled: ""
            }
        }
    }

    /// - Returns: whether it succeeded, and why not.
    func run() -> (succeeded: Bool, text: String) {
        var index = 0
        var jumps = 0
        while index < runbook.steps.count {
            let step = runbook.steps[index]
            let begun = clock.monotonic()
            let result = carryOut(step)
            let ended = clock.monotonic()
            record(step, result, Bracket(begun, ended))
            if case .cancelled = result { return (false, "step '\(step.name)' was cancelled by the abort") }
            if result.isSuccess || !step.isCritical {
                index += 1
                continue
            }
            switch step.onFailure {
            case .proceed: index += 1
            case .abort: return (false, "step '\(step.name)' \(words(result))")
            case .step(let name):
                jumps += 1
                guard jumps <= runbook.steps.count,
                    let target = runbook.steps.firstIndex(where: { $0.name == name })
                else {
                    return (false, "step '\(step.name)' \(words(result)), and '\(name)' could not take over")
                }
                index = target
            }
        }
        return (true, "")
    }

    private func carryOut(_ step: RunbookItem) -> Attempt {
        switch step.kind {
        case .wait: return wait(for: step)
        case .command, .check:
            var result = attempt(step, number: 1, within: step.timeout)
            for number in 0..<step.retries where !result.isSuccess {
                guard case .failed(let code, _) = result,
                    step.retryOn.isEmpty || step.retryOn.contains(Int(code)),
                    !isCancelled()
                else { break }
                clock.sleep(for: step.retryDelay)
                result = attempt(step, number: number + 2, within: step.timeout)
            }
            return result
        }
    }

    /// Polls until it succeeded `stable` times in a row.
    private func wait(for step: RunbookItem) -> Attempt {
        let end = clock.monotonic() + step.timeout
        var inARow = 0
        var number = 0
        while true {
            number += 1
            let begun = clock.monotonic()
            let left = end - begun
            guard left > .zero else {
                return .timedOut("not \(step.stable) times in a row within \(step.timeout.forPeople)")
            }
            let result = attempt(step, number: number, within: left)
            inARow = result.isSuccess ? inARow + 1 : 0
            if inARow >= step.stable { return result }
            if case .cancelled = result { return result }
            let next = min(begun + step.interval, end)
            while clock.monotonic() < next, !isCancelled() {
                clock.sleep(until: min(next, clock.monotonic() + .milliseconds(50)))
            }
            if isCancelled() { return .cancelled }
        }
    }

    private func attempt(_ step: RunbookItem, number: Int, within limit: Duration) -> Attempt {
        var variables = environment
        variables["MUSTER_STEP"] = step.name
        variables["MUSTER_ATTEMPT"] = "\(number)"
        guard let shell = Files.program(step.shell) else {
            return .failed(127, "there is no shell '\(step.shell)' on this machine")
        }
        do {
            let pipe = try Descriptor.pipe()
            var spawn = Spawn([shell, "-c", step.body])
            spawn.environment = variables.map { "\($0.key)=\($0.value)" }
            spawn.directory = directory
            spawn.output = .descriptor(pipe.write.number)
            spawn.errors = .descriptor(pipe.write.number)
            spawn.newSession = true
            let child = try spawn.start()
            return try follow(child, pipe.read, until: clock.monotonic() + limit)
        } catch {
            return .failed(126, describe(error))
        }
    }

    private func follow(_ child: Child, _ output: Descriptor, until end: Instant) throws -> Attempt {
        try output.setNonblocking()
        var text: [UInt8] = []
        func drain() throws {
            while case .bytes(let bytes) = try output.read(upTo: 65_536) {
                text = Array((text + bytes).suffix(65_536))
            }
        }
        while true {
            let status = try child.wait(for: .milliseconds(20))
            try drain()
            if let status {
                let said = redacted(text)
                if case .exited(0) = status { return .succeeded(said) }
                if case .exited(let code) = status { return .failed(code, said) }
                return .failed(128, said)
            }
            if isCancelled() || clock.monotonic() >= end {
                child.killSession()
                _ = try child.wait(for: .seconds(2))
                try drain()
                return isCancelled() ? .cancelled : .timedOut(redacted(text))
            }
        }
    }

    private func redacted(_ bytes: [UInt8]) -> String {
        redaction.text(
            String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func words(_ attempt: Attempt) -> String {
        switch attempt {
        case .succeeded: "succeeded"
        case .failed(let code, let text):
            "failed with exit code \(code)" + (text.isEmpty ? "" : ": \(lastLine(text))")
        case .timedOut(let text): "timed out" + (text.isEmpty ? "" : ": \(lastLine(text))")
        case .cancelled: "was cancelled"
        }
    }

    private func lastLine(_ text: String) -> String {
        text.split(separator: "\n").last.map(String.init) ?? text
    }

    private func record(_ step: RunbookItem, _ result: Attempt, _ bracket: Bracket) {
        events.record(
            .runbookStep, step.name,
            "'\(step.name)' (\(step.kind.rawValue)) \(words(result)) after \(bracket.width.forPeople)",
            bracket: bracket,
            detail: [
                "kind": .text(step.kind.rawValue), "ok": .bool(result.isSuccess),
                "output": .text(String(result.output.suffix(4096))),
                "nanoseconds": .int(bracket.width.nanoseconds),
            ])
    }
}
