import Foundation
import MusterCore
import MusterOutcomes

/// The one thread of a run that waits for the disk of the outcomes. Nothing that measures or holds a lease ever
/// does. A store that fails is reported once and never ends a drill: putting things back comes first.
final class StoreWriter: @unchecked Sendable {
    private let store: OutcomeStore
    private let run: String
    private let queue = DispatchQueue(label: "muster-store")
    // Only touched on `queue`.
    private var failure: (any Error)?
    private let report: @Sendable (String) -> Void

    init(_ store: OutcomeStore, run: String, report: @escaping @Sendable (String) -> Void) {
        self.store = store
        self.run = run
        self.report = report
    }

    func append(_ event: Event) { later { try $0.append([event], to: $1) } }
    func append(_ samples: [Sample], of signal: Signal) {
        later { try $0.append(samples, of: signal, to: $1) }
    }
    func record(_ runbook: RunbookRecord) { later { try $0.record(runbook, in: $1) } }

    /// Returns once the record is durable: what is asked of a guard must be known here first.
    func recordNow(_ injection: InjectionRecord) throws { try now { try $0.record(injection, in: $1) } }
    func record(_ injection: InjectionRecord) { later { try $0.record(injection, in: $1) } }
    func finish(_ closing: RunClosing) throws { try now { try $0.finish($1, closing) } }

    private func later(_ body: @escaping @Sendable (OutcomeStore, String) throws -> Void) {
        queue.async { [self] in
            do { try body(store, run) } catch { note(error) }
        }
    }

    private func now(_ body: (OutcomeStore, String) throws -> Void) throws {
        try queue.sync { try body(store, run) }
    }

    private func note(_ error: any Error) {
        guard failure == nil else { return }
        failure = error
        report("the outcome cannot be recorded: \(error)")
    }
}
