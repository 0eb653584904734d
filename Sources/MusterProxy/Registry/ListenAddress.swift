internal import NIOCore
internal import NIOPosix

/// Where a proxy is told to listen, judged as Go's `net.ResolveTCPAddr` does and in its words.
struct ListenAddress: Sendable {
    private let text: String
    private let host: String
    private let port: Int
    private let isPath: Bool

    init(_ text: String) throws(BindProblem) {
        self.text = text
        isPath = text.hasPrefix("unix:")
        guard !isPath, !text.isEmpty else {
            host = ""
            port = 0
            return
        }
        let (host, port) = try Self.split(text)
        self.host = host
        // Go takes names of services too; nobody writes them here.
        guard let number = port.isEmpty ? 0 : Int(port), (0...65_535).contains(number) else {
            throw BindProblem("address \(port): invalid port")
        }
        self.port = number
    }

    /// Go's `net.SplitHostPort`.
    private static func split(_ text: String) throws(BindProblem) -> (host: String, port: String) {
        func wrong(_ what: String) -> BindProblem { BindProblem("address \(text): \(what)") }
        guard let colon = text.lastIndex(of: ":") else { throw wrong("missing port in address") }
        let port = String(text[text.index(after: colon)...])
        guard text.hasPrefix("[") else {
            let host = String(text[..<colon])
            if host.contains(":") { throw wrong("too many colons in address") }
            return (host, port)
        }
        guard let end = text.firstIndex(of: "]") else { throw wrong("missing ']' in address") }
        let next = text.index(after: end)
        guard next < text.endIndex, text[next] == ":" else { throw wrong("missing port in address") }
        guard next == colon else { throw wrong("too many colons in address") }
        return (String(text[text.index(after: text.startIndex)..<end]), port)
    }

    /// The address in numbers, as a proxy that listens there shows it; asks the name service off the event
    /// loops, and only for names.
    func resolved() async throws(BindProblem) -> String {
        if isPath { return text }
        // As Go shows "all addresses" once it listens there.
        if host.isEmpty || host == "0.0.0.0" || host == "::" { return "[::]:\(port)" }
        let address: SocketAddress
        do {
            address = try await NIOThreadPool.singleton.runIfActive { [host, port] in
                try SocketAddress.makeAddressResolvingHost(host, port: port)
            }
        } catch {
            throw BindProblem("lookup \(host): no such host")
        }
        let number = address.ipAddress ?? host
        return number.contains(":") ? "[\(number)]:\(port)" : "\(number):\(port)"
    }
}
