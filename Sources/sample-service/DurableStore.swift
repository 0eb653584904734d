import Dispatch
import Foundation
import Synchronization

/// Acknowledges after the commit is on the disk.
///
/// Writes that arrive while a commit is being synced are stored together by the next one (group commit):
/// a single fsync serves them all, which is what makes hundreds of durable writes per second possible.
final class DurableStore: KeyValueStore {
    let mode = "durable"
    private typealias Pending = (change: Change, done: CheckedContinuation<Bool, any Error>)
    private struct State {
        var pending: [Pending] = []
        var closed = false
    }
    private let database: Database
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ database: Database) {
        self.database = database
        let thread = Thread { [self] in commitUntilClosed() }
        thread.name = "commit"
        thread.start()
    }

    func put(_ key: String, _ value: Data) async throws {
        _ = try await submit(Change(key: key, value: value))
    }

    func delete(_ key: String) async throws -> Bool {
        try await submit(Change(key: key, value: nil))
    }

    func get(_ key: String) async throws -> Data? { try await database.get(key) }

    func keys(prefix: String, after: String?, limit: Int) async throws -> [String] {
        try await database.keys(prefix: prefix, after: after, limit: limit)
    }

    func check() async throws { try await database.check() }

    func close() throws {
        state.withLock { $0.closed = true }
        work.signal()
        ended.wait()
        try database.close()
    }

    private func submit(_ change: Change) async throws -> Bool {
        try await withCheckedThrowingContinuation { done in
            let accepted = state.withLock { state in
                guard !state.closed else { return false }
                state.pending.append((change, done))
                return true
            }
            if accepted { work.signal() } else { done.resume(throwing: Refusal("the service is stopping")) }
        }
    }

    private func commitUntilClosed() {
        while true {
            work.wait()
            let (batch, closed) = state.withLock { state in
                defer { state.pending = [] }
                return (state.pending, state.closed)
            }
            commit(batch)
            if closed { break }
        }
        ended.signal()
    }

    private func commit(_ batch: [Pending]) {
        guard !batch.isEmpty else { return }
        do {
            let found = try database.commit(batch.map(\.change))
            for (pending, found) in zip(batch, found) { pending.done.resume(returning: found) }
        } catch {
            for pending in batch { pending.done.resume(throwing: error) }
        }
    }
}
