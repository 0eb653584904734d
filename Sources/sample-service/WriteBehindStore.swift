import Dispatch
import Foundation
import Synchronization

/// Acknowledges from memory and stores every so often: fast, and wrong after a crash.
///
/// It stands for every cache with write-back and every `appendfsync no`. Until stored, a write is visible to
/// readers, so that only a crash shows the loss.
final class WriteBehindStore: KeyValueStore {
    let mode = "write-behind"
    private struct State {
        /// Acknowledged, not yet handed to the database.
        var queued: [String: Data?] = [:]
        /// Being committed.
        var leaving: [String: Data?] = [:]
        var closed = false

        /// The newest value in memory; outer nil: memory says nothing about the key.
        func newest(_ key: String) -> Data?? { queued[key] ?? leaving[key] }
    }
    private let database: Database
    private let interval: Double
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ database: Database, every interval: Double) {
        self.database = database
        self.interval = interval
        let thread = Thread { [self] in storeUntilClosed() }
        thread.name = "write-behind"
        thread.start()
    }

    func put(_ key: String, _ value: Data) async throws {
        try enqueue(key, value)
    }

    func delete(_ key: String) async throws -> Bool {
        let existed = try await get(key) != nil
        try enqueue(key, nil)
        return existed
    }

    func get(_ key: String) async throws -> Data? {
        if let known = state.withLock({ $0.newest(key) }) { return known }
        return try await database.get(key)
    }

    func keys(prefix: String, after: String?, limit: Int) async throws -> [String] {
        let inMemory = state.withLock { $0.leaving.merging($0.queued) { $1 } }.filter { key, _ in
            key.hasPrefix(prefix) && (after.map { $0.utf8.lexicographicallyPrecedes(key.utf8) } ?? true)
        }
        let deleted = inMemory.count { $0.value == nil }
        var keys = Set(try await database.keys(prefix: prefix, after: after, limit: limit + deleted))
        for (key, value) in inMemory {
            if value == nil { keys.remove(key) } else { keys.insert(key) }
        }
        return Array(keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.prefix(limit))
    }

    func check() async throws { try await database.check() }

    func close() throws {
        state.withLock { $0.closed = true }
        wake.signal()
        ended.wait()
        let left = state.withLock { $0.queued.count }
        guard left == 0 else { throw Refusal("\(left) acknowledged writes could not be stored") }
        try database.close()
    }

    private func enqueue(_ key: String, _ value: Data?) throws {
        let accepted = state.withLock { state in
            guard !state.closed else { return false }
            state.queued[key] = .some(value)
            return true
        }
        guard accepted else { throw Refusal("the service is stopping") }
    }

    private func storeUntilClosed() {
        var closed = false
        while !closed {
            _ = wake.wait(timeout: .now() + interval)
            closed = state.withLock { $0.closed }
            store()
        }
        ended.signal()
    }

    private func store() {
        let changes = state.withLock { state in
            state.leaving = state.queued
            state.queued = [:]
            return state.leaving.map { Change(key: $0.key, value: $0.value) }
        }
        guard !changes.isEmpty else { return }
        do {
            _ = try database.commit(changes)
            state.withLock { $0.leaving = [:] }
        } catch {
            complain("could not store \(changes.count) acknowledged writes, will try again: \(error)")
            state.withLock { state in
                state.queued = state.leaving.merging(state.queued) { $1 }
                state.leaving = [:]
            }
        }
    }
}
