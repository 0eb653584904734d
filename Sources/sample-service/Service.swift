import Dispatch
import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// The listening server and its end.
final class Service: Sendable {
    private let host: String
    private let port: UInt16
    private let store: any KeyValueStore
    private let server = Mutex<HTTPServer?>(nil)
    private let stopping = Atomic<Bool>(false)

    init(host: String, port: UInt16, store: any KeyValueStore) {
        self.host = host
        self.port = port
        self.store = store
    }

    /// Listens, says so on standard output, and serves until it is stopped.
    func run() async throws {
        let server = try makeServer()
        self.server.withLock { $0 = server }
        let listening = Task {
            try await server.waitUntilListening(timeout: 5)
            if let address = await server.listeningAddress {
                let line = "listening on http://\(text(of: address)) (\(store.mode))\n"
                FileHandle.standardOutput.write(Data(line.utf8))
            }
        }
        defer { listening.cancel() }
        do {
            try await server.run()
        } catch {
            // A stop closes the listening socket under the server, which may see that as any error.
            guard stopping.load(ordering: .acquiring) else {
                if case SocketError.failed(_, let code, let message) = error {
                    throw refusal(code: code, message: message)
                }
                throw error
            }
        }
        // The end of `run` is not the end of the process: `stop` still has to flush.
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    private func makeServer() throws -> HTTPServer {
        let handler = KeyValueHandler(store: store)
        let pool = PromptSocketPool(base: HTTPServer.defaultPool())
        if host.contains(":") {
            guard let address = try? sockaddr_in6.inet6(ip6: host, port: port) else { throw badHost() }
            return HTTPServer(address: address, pool: pool, logger: .disabled, handler: handler)
        }
        let name = host == "localhost" ? "127.0.0.1" : host
        guard let address = try? sockaddr_in.inet(ip4: name, port: port) else { throw badHost() }
        return HTTPServer(address: address, pool: pool, logger: .disabled, handler: handler)
    }

    private func badHost() -> Refusal {
        Refusal("--host \(host) is not an address; expected one such as 127.0.0.1 or ::1")
    }

    private func refusal(code: Int32, message: String) -> Refusal {
        if code == EADDRINUSE {
            return Refusal(
                "port \(port) on \(host) is taken by another process; choose another --port, or find the owner "
                    + "with: ss -ltnp 'sport = :\(port)'")
        }
        return Refusal("cannot listen on \(host):\(port): \(message)")
    }

    private func text(of address: Socket.Address) -> String {
        switch address {
        case .ip4(let address, let port): "\(address):\(port)"
        case .ip6(let address, let port): "[\(address)]:\(port)"
        case .unix(let path): path
        }
    }

    /// SIGTERM and SIGINT: answers what is being handled, stores what is in memory, ends with 0.
    ///
    /// - Returns: what must be kept alive for signals to be seen.
    func stopOnSignals() -> [any DispatchSourceSignal] {
        [SIGTERM, SIGINT].map { number in
            // The default action would end the process before the source is asked; a source sees ignored
            // signals too.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in stop() }
            source.resume()
            return source
        }
    }

    private func stop() {
        guard !stopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Task.detached { [self] in
            // FlyingFox waits for the whole time even when nothing is left to answer, so it is short.
            await server.withLock { $0 }?.stop(timeout: 0.25)
            do {
                try store.close()
                _exit(0)
            } catch {
                complain("could not store everything before stopping: \(error)")
                _exit(1)
            }
        }
    }
}

/// Sends small answers at once.
///
/// FlyingFox writes header and body separately; with Nagle's algorithm (RFC 896) the body would wait for
/// the client's delayed acknowledgement, up to 40 ms. Accepted sockets inherit the option from the listening
/// one (tcp(7)), which is the first to be waited for.
struct PromptSocketPool: AsyncSocketPool {
    let base: any AsyncSocketPool

    func prepare() async throws { try await base.prepare() }

    func run() async throws { try await base.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        var on: Int32 = 1
        _ = setsockopt(
            socket.file.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        try await base.suspendSocket(socket, untilReadyFor: events)
    }
}
