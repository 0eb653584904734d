import MusterCore
import MusterDrills

/// A runbook machine with a clock that is moved by hand, and programs that do what the test says.
struct Drive {
    var machine: RunbookMachine
    var now = Instant(nanoseconds: 1_000_000_000)
    /// What was to be saved, as it was then.
    var saved: [RunbookTurn] = []
    var order: RunbookMachine.Order?

    init(_ steps: [RunbookItem], rollbacks: [RunbookItem] = []) {
        machine = RunbookMachine(Runbook(title: "x", steps: steps, rollbacks: rollbacks), seed: 1)
    }

    init(_ machine: RunbookMachine) { self.machine = machine }

    mutating func send(_ reply: RunbookMachine.Reply, after time: Duration = .zero) {
        now = now + time
        let turn = machine.handle(reply, at: ClockReading(now, utc: now.nanoseconds))
        saved += turn.changed
        order = turn.order
    }

    mutating func succeed(after time: Duration = .milliseconds(10), value: String? = nil) {
        send(.attempted(.init(.succeeded, value: value)), after: time)
    }

    mutating func fail(_ code: Int = 1, after time: Duration = .milliseconds(10)) {
        send(.attempted(.init(.failed(code: code, reason: "said no"), output: "no")), after: time)
    }

    /// `attempt a #1`, `pause 1.0`, `ask a`, `succeeded`, `failed: …`: what is to be done next.
    var words: String {
        switch order {
        case .attempt(let item, let number, _): "attempt \(item.name) #\(number)"
        case .pause(let until): "pause \((until - now).forPeople)"
        case .ask(let item, _): "ask \(item.name)"
        case .finish(let result):
            result.state.rawValue + (result.reason.isEmpty ? "" : ": \(result.reason)")
        case nil: "nothing"
        }
    }

    var result: RunbookResult? { if case .finish(let result)? = order { result } else { nil } }
    /// What the store would hold now.
    var stored: [RunbookTurn] {
        var latest: [Int: RunbookTurn] = [:]
        for turn in saved { latest[turn.number] = turn }
        return latest.keys.sorted().compactMap { latest[$0] }
    }
}

func step(
    _ name: String, _ kind: RunbookItem.Kind = .command, timeout: Duration = .seconds(60),
    _ change: (inout RunbookItem) -> Void = { _ in }
) -> RunbookItem {
    var item = RunbookItem(
        kind: kind, name: name, heading: "", shell: "sh", body: "true", timeout: timeout, line: 1)
    change(&item)
    return item
}
