internal import NIOPosix

/// Where a proxy that is told to listen there will be, in numbers, as it shows itself once it runs: to find out
/// whether a proxy that is there would have to move (Go's `net.ResolveTCPAddr`). A name is looked up, off the
/// event loops.
/// - Throws: `BindProblem` when it cannot be read or looked up.
func place(of listen: String) async throws(BindProblem) -> String {
    guard case .tcp(let host, let port) = try Endpoint(listen.isEmpty ? ":0" : listen) else { return listen }
    // As Go shows "all addresses" once it listens there.
    if host.isEmpty || host == "0.0.0.0" || host == "::" { return "[::]:\(port)" }
    if let address = Resolver.literal(.tcp(host: host, port: port)) { return Endpoint.text(address) }
    do {
        let found = try await NIOThreadPool.singleton.runIfActive { try Resolver.look(up: host, port: port) }
        guard let first = found.first else { throw BindProblem("lookup \(host): no such host") }
        return Endpoint.text(first)
    } catch let problem as BindProblem {
        throw problem
    } catch {
        throw BindProblem("lookup \(host): \(error)")
    }
}
