import MusterCore
import MusterSystem

/// The second liar: a key-value store over HTTP that acknowledges writes and then forgets a known number of them.
///
/// `PUT /kv/<name>` keeps a value, `GET /kv/<name>` answers with name and value, twice where it was kept twice.
public final class ForgetfulStore: Sendable {
    /// On the server's thread only.
    private final class Counter: Liar, @unchecked Sendable {
        var books: ForgetfulBooks
        var isHolding = false
        init(_ books: ForgetfulBooks) { self.books = books }

        func reply(to request: LiarRequest) -> LiarReply {
            guard request.path.hasPrefix("/kv/") else { return .answer(200, "up") }
            let name = String(request.path.dropFirst(4))
            if request.method == "GET" {
                guard let values = books.read(name) else { return .answer(404, "") }
                return .answer(200, values.map { "\(name) \($0)" }.joined(separator: "\n"))
            }
            if isHolding { return .hold }
            return switch books.write(name, request.body, at: request.at) {
            case .acknowledge: .answer(200, "kept")
            case .leaveInDoubt: .reset
            case .refuse: .answer(400, "refused")
            }
        }
    }

    private let counter: Counter
    private let server: LiarServer

    /// - Throws: `SystemError` when it cannot listen on `address`.
    public init(address: String, books: ForgetfulBooks) throws {
        counter = Counter(books)
        server = try LiarServer(address: address, liars: [counter])
    }

    public var url: String { "http://\(server.address):\(server.portNumbers[0])" }

    public var written: Int { server.perform { [counter] in counter.books.written } ?? 0 }
    public var truth: StoreTruth { server.perform { [counter] in counter.books.truth } ?? StoreTruth() }

    /// Puts off the answers to all writes, so that whatever was answered before can reach the client.
    public func hold() { _ = server.perform { [counter] in counter.isHolding = true } }
    /// Writes that wait for an answer.
    public var held: Int { server.heldCount() }

    /// Forgets; the time when it did is part of the truth.
    /// - Returns: false when too little was written for that.
    public func forget() -> Bool {
        server.perform { [counter] in
            let time = SystemTimekeeper()
            let before = time.monotonic()
            guard counter.books.forget() else { return false }
            counter.books.note(forgot: Bracket(before, time.monotonic()))
            return true
        } ?? false
    }

    /// Answers what was held, and everything from now on.
    public func release() {
        _ = server.perform { [counter] in counter.isHolding = false }
        server.release()
    }

    public func stop() { server.stop() }
}
