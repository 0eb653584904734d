import Foundation
import MusterCore
import MusterDrills
import MusterProbes
import MusterSystem

/// Listens for alerts while a drill runs: a receiver for each webhook, and a poller for everything that is asked. What
/// comes goes on record; none of it is waited for.
final class AlertWatch: @unchecked Sendable {
    private let drill: Drill
    private let tokens: [String: String]
    private let events: RunEvents
    private let clock = SystemTimekeeper()
    private let lock = NSLock()
    // Guarded by `lock`.
    private var book: AlertBook
    private var receivers: [ReceiverLink] = []
    private var poller: AlertPoller?
    private var isOver = false

    /// - Parameter tokens: of webhooks, by the names of their sources.
    init(_ drill: Drill, tokens: [String: String], events: RunEvents) {
        self.drill = drill
        self.tokens = tokens
        self.events = events
        book = AlertBook(drill)
    }

    var state: DrillRunner.AlertState { lock.withLock { book.state } }

    /// Begins to listen.
    /// - Throws: `Refusal` when a receiver cannot; then `stop` is still to be called.
    func start() throws {
        for source in drill.alertSources where !source.isPolled {
            let link = ReceiverLink(
                source.name, heard: { [weak self] in self?.heard($0, from: source.name) })
            let address = try link.start(listen: source.webhook ?? "", token: tokens[source.name] ?? "")
            lock.withLock { receivers.append(link) }
            record {
                $0.listening(
                    source.name, at: self.clock.monotonic(),
                    "'\(source.name)' listens for alerts at \(address)")
            }
        }
        guard drill.alertSources.contains(where: \.isPolled) else { return }
        let poller = try AlertPoller(drill.alertSources) { [weak self] in self?.looked($0) }
        lock.withLock { self.poller = poller }
    }

    /// Listens no longer, and leaves nothing behind. May be called again.
    func stop() {
        let (receivers, poller) = lock.withLock { (self.receivers, self.poller) }
        poller?.stop()
        for receiver in receivers { receiver.stop() }
        record { $0.end(at: self.clock.monotonic()) }
        lock.withLock {
            isOver = true
            self.receivers = []
            self.poller = nil
        }
    }

    private func looked(_ look: AlertPoller.Look) {
        record { book in
            if let firing = look.firing {
                book.asked(look.source, sent: look.sent, finished: look.finished, firing)
            } else {
                book.failed(look.source, sent: look.sent, finished: look.finished, look.why)
            }
        }
    }

    private func heard(_ message: ReceiverLink.Message, from source: String) {
        switch message {
        case .message(let bracket, let body):
            guard let read = AlertText.message(body) else {
                return record { $0.deaf(source, bracket, "a message to '\(source)' could not be read") }
            }
            record { $0.received(read.alerts, document: read.document, from: source, bracket) }
        case .refused(let why):
            events.record(.warning, source, "a message to '\(source)' was refused: \(why)")
        case .stoodStill(let bracket):
            record {
                $0.deaf(
                    source, bracket, "the receiver of '\(source)' stood still for \(bracket.width.forPeople)")
            }
        case .lost(let bracket, let why):
            record { $0.deaf(source, bracket, "the receiver of '\(source)' is gone: \(why)") }
        }
    }

    /// Changes the book and puts on record what came of it, in that order and under one lock: what is heard at the same
    /// time must not overtake.
    private func record(_ change: (inout AlertBook) -> [AlertBook.Note]) {
        lock.withLock {
            guard !isOver else { return }
            for note in change(&book) {
                events.record(
                    note.kind, note.subject, note.text, bracket: note.bracket,
                    actor: note.kind == .alert || note.kind == .alertOther ? "alerting" : "muster",
                    detail: note.detail)
            }
        }
    }
}
