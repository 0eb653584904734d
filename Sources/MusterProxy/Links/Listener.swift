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
            try makeRoom(at: path)
            return try await bind(SocketAddress(unixDomainSocketPath: path), as: "unix \(path)")
        case .tcp(let host, let port):
            // As Go: no host, 0.0.0.0 and :: are all addresses, IPv4 and IPv6, where the machine has IPv6.
            guard !host.isEmpty, host != "0.0.0.0", host != "::" else {
                do {
                    return try await bind(
                        SocketAddress(ipAddress: "::", port: port), as: "tcp \(host):\(port)")
                } catch let problem as BindProblem
                    where problem.code == EAFNOSUPPORT || problem.code == EADDRNOTAVAIL
                {
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

    /// A socket file that nobody listens on is left over from a program that was killed; anything else stays.
    private func makeRoom(at path: String) throws(BindProblem) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw BindProblem(
                "listen unix \(path): bind: address already in use: there is a file that is no socket")
        }
        guard !hasListener(path) else {
            throw BindProblem("listen unix \(path): bind: address already in use", code: EADDRINUSE)
        }
        unlink(path)
    }

    /// Whether somebody listens; also true when that cannot be told.
    private func hasListener(_ path: String) -> Bool {
        let descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue),
            0)
        guard descriptor >= 0 else { return true }
        defer { Glibc.close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let answer = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return answer == 0 || errno != ECONNREFUSED
    }
}
