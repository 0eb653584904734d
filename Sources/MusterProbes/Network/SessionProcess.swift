import Glibc
import MusterCore
import MusterSystem

/// A program in a session of its own on an event loop. Belongs to the loop's thread.
final class SessionProcess {
    private let loop: EventLoop
    private let child: Child
    private var ended: ((Int32) -> Void)?
    private var isKilled = false

    /// - Parameter ended: its exit status, or 128 + signal; not called after `killSession`.
    /// - Throws: `SystemError` when it cannot be started.
    init(
        _ argv: [String], loop: EventLoop, configure: (inout Spawn) -> Void = { _ in },
        ended: @escaping (Int32) -> Void
    ) throws {
        var spawn = Spawn(.path(try Self.find(argv.first ?? "")), argv)
        spawn.newSession = true
        // The loop's thread lives as long as the run: what it started goes with it, also after kill -9.
        spawn.deathSignal = SIGKILL
        configure(&spawn)
        self.loop = loop
        self.ended = ended
        child = try spawn.start()
        loop.watch(child.pidfd.descriptor.number, .read) { [self] _ in reap() }
    }

    /// execve(2) does not search; this does, as a shell would.
    private static func find(_ name: String) throws -> String {
        if name.contains("/") { return name }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
            return "\(folder)/\(name)"
        }
        throw SystemError("find program '\(name)' in PATH", code: ENOENT)
    }

    private func reap() {
        guard !isKilled, let status = try? child.poll() else { return }
        loop.unwatch(child.pidfd.descriptor.number)
        let ended = self.ended
        self.ended = nil
        switch status {
        case .exited(let code): ended?(code)
        case .signalled(let signal): ended?(128 + signal)
        }
    }

    /// Kills everything in its session, also what it started and what lives in process groups of its own.
    func killSession() {
        guard !isKilled, ended != nil else { return }
        isKilled = true
        ended = nil
        loop.unwatch(child.pidfd.descriptor.number)
        // Reading /proc would hold up the loop.
        let child = self.child
        let end = { @Sendable in
            child.killSession()
            _ = try? child.wait(for: .seconds(5))
        }
        if let helper = try? OwnThread("muster-kill", end) { helper.detach() } else { end() }
    }
}
