import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// The events of a run in the order in which they were recorded: kept for the judgement, written to the store,
/// handed to the view. Any thread may record.
final class RunEvents: @unchecked Sendable {
    private let lock = NSLock()
    private var events: [Event] = []
    private let timekeeper = SystemTimekeeper()
    private let redaction: Redaction
    private let sink: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - redaction: what is hidden in every event: errors of programs and of the guard stand in them.
    ///   - sink: called with each event, in order, under a lock: it must be quick.
    init(hiding redaction: Redaction = Redaction([]), _ sink: @escaping @Sendable (Event) -> Void) {
        self.redaction = redaction
        self.sink = sink
    }

    @discardableResult
    func record(
        _ kind: Event.Kind, _ subject: String = "", _ text: String, bracket: Bracket? = nil,
        actor: String = "muster",
        detail: Value = .null
    ) -> Event {
        lock.lock()
        defer { lock.unlock() }
        let event = Event(
            kind, at: timekeeper.monotonic(), utc: timekeeper.utcNanoseconds(), bracket: bracket,
            subject: subject, actor: actor, text: redaction.text(text), detail: redaction.value(detail))
        events.append(event)
        sink(event)
        return event
    }

    var all: [Event] {
        lock.lock()
        defer { lock.unlock() }
        return events
    }
}
