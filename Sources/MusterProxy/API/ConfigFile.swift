/// The file of `-config`: a JSON array of proxies, as `POST /populate` takes it.
public struct ConfigFile: Sendable {
    /// What is wrong with a file, with its place: `FILE:LINE: what`.
    public struct Problem: Error, Hashable, Sendable {
        public var message: String
    }

    private let name: String
    private let drafts: [ProxyDraft]

    /// Checks the whole; touches nothing.
    /// - Parameter name: of the file, for problems.
    /// - Throws: `Problem`.
    public init(_ name: String, _ bytes: [UInt8]) throws(Problem) {
        self.name = name
        do {
            drafts = try ProxyForm.config(bytes)
        } catch {
            let line = error.offset.map { offset in
                ":\(1 + bytes.prefix(offset).count { $0 == UInt8(ascii: "\n") })"
            }
            let words = "bad request body: "
            let message =
                error.message.hasPrefix(words) ? error.message.dropFirst(words.count) : error.message[...]
            throw Problem(message: "\(name)\(line ?? ""): \(message)")
        }
    }

    /// Starts all of them or, when one cannot listen, none.
    /// - Returns: how many there are.
    /// - Throws: `Problem`.
    public func apply(to registry: ProxyRegistry) async throws(Problem) -> Int {
        let (proxies, problem) = await registry.populate(drafts)
        guard let problem else { return proxies.count }
        for proxy in proxies { try? await registry.remove(proxy.name) }
        let place = proxies.count < drafts.count ? "proxy '\(drafts[proxies.count].name)': " : ""
        throw Problem(message: "\(name): \(place)\(problem.message)")
    }
}
