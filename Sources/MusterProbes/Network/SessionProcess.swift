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
        // Reading /proc would hold up the loop. The leader is waited for last: until then nobody else can have
        // its number, which is the session's.
        let child = self.child
        let helper = try? OwnThread("muster-kill") { Self.kill(child) }
        if let helper { helper.detach() } else { Self.kill(child) }
    }

    private static func kill(_ leader: Child) {
        // First, so that it starts nothing more.
        _ = try? leader.kill()
        for _ in 0..<100 {
            var others = 0
            for pid in processNumbers() {
                guard let stat = (try? ProcessStat.read(pid)) ?? nil, stat.session == leader.pid,
                    stat.pid != leader.pid, !stat.isZombie
                else { continue }
                others += 1
                Glibc.kill(pid, SIGKILL)
            }
            if others == 0 { break }
        }
        _ = try? leader.wait(for: .seconds(5))
    }

    private static func processNumbers() -> [Int32] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var numbers: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers
    }
}
