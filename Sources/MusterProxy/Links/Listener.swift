internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Makes the listening socket of a proxy.
struct Listener {
    let core: ProxyCore
    let resolver: Resolver

    /// - Throws: `BindProblem` in Go's words.
    func bind(_ endpoint: Endpoint) async throws -> any Channel {
        switch endpoint {
        case .unix(let path):
            try SocketFile.makeRoom(at: path)
            return try await bind(SocketAddress(unixDomainSocketPath: path), as: "unix \(path)")
        case .tcp(let host, let port):
            // As Go: no host, 0.0.0.0 and :: are all addresses, IPv4 and IPv6, where the machine has IPv6.
            guard !host.isEmpty, host != "0.0.0.0", host != "::" else {
                do {
                    return try await bind(
                        SocketAddress(ipAddress: "::", port: port), as: "tcp \(host):\(port)")
                } catch let problem as BindProblem where problem.saysNoIPv6 {
                    return try await bind(
                        SocketAddress(ipAddress: "0.0.0.0", port: port), as: "tcp \(host):\(port)")
                }
            }
            let address: SocketAddress
            do {
                guard let first = try await resolver.resolve(endpoint, on: core.loop).get().first else {
                    throw BindProblem("lookup \(host): no such host")
                }
                address = first
            } catch let problem as BindProblem {
                throw BindProblem("listen tcp: " + problem.message)
            }
            return try await bind(address, as: "tcp \(Endpoint.text(address))")
        }
    }

    private func bind(_ address: SocketAddress, as text: String) async throws -> any Channel {
        let core = core
        guard !core.shared.descriptors.isSpent else {
            throw BindProblem("listen \(text): socket: too many open files", code: EMFILE)
        }
        let bootstrap = ServerBootstrap(group: core.loop, childGroup: core.loop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.maxMessagesPerRead, value: AcceptPause.burst)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if address.protocol != .unix {
                        try channel.syncOptions?.setOption(.socketOption(.so_reuseaddr), value: 1)
                    }
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(core.shared.descriptors))
                }
            }
            .childChannelInitializer { channel in
                ProxyCore.tune(channel).flatMapThrowing { try core.accept(channel) }
            }
        do {
            return try await bootstrap.bind(to: address).get()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode)).lowercased()
            throw BindProblem("listen \(text): bind: \(reason)", code: error.errnoCode)
        }
    }
}

extension BindProblem {
    /// The machine has no IPv6, or lets nobody have an address of it.
    var saysNoIPv6: Bool { code == EAFNOSUPPORT || code == EADDRNOTAVAIL }
}
