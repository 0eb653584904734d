import Foundation

/// What the HTTP side needs of a store.
protocol KeyValueStore: Sendable {
    /// `durable` or `write-behind`; shown by /health.
    var mode: String { get }
    /// Returns once the write counts as acknowledged in this mode.
    func put(_ key: String, _ value: Data) async throws
    /// - Returns: whether there was such a key.
    func delete(_ key: String) async throws -> Bool
    func get(_ key: String) async throws -> Data?
    /// Keys in order of their bytes, beginning after `after`.
    func keys(prefix: String, after: String?, limit: Int) async throws -> [String]
    /// Proves that the database answers.
    func check() async throws
    /// Stores what is still in memory and ends; nothing may be called afterwards.
    func close() throws
}

/// One change of one key; a nil value deletes it.
struct Change: Sendable {
    let key: String
    let value: Data?
}
