import MusterCore

extension Target {
    /// The processes that it names, counted and checked.
    /// - Throws: `FaultRefusal` when the count is wrong, or one of them must not be touched.
    func processes(on host: any HostReader) throws -> [ProcessStatus] {
        guard case .process(let selector) = selector else {
            throw FaultRefusal(
                .wrongTarget, "this fault is aimed at processes",
                advice: "give the target a fixture, pidFile, listening, name, commandLine or cgroup")
        }
        let found = try selector.processes(on: host, sparingMuster: !allow.contains("muster"))
        if found.isEmpty {
            throw FaultRefusal(
                .noMatch, "no process matches: \(selector.inWords)",
                advice: "start it, or check the target's selector")
        }
        if found.count != count {
            let pids = found.prefix(8).map { "\($0.identity.pid) (\($0.name))" }.joined(separator: ", ")
            throw FaultRefusal(
                .wrongCount,
                "\(found.count) processes match \(selector.inWords), but count is \(count): \(pids)",
                advice: "narrow the selector, or set `count: \(found.count)`")
        }
        for process in found { try refuse(process, on: host) }
        return found
    }

    private func refuse(_ process: ProcessStatus, on host: any HostReader) throws {
        let what = "process \(process.identity.pid) (\(process.name))"
        if process.identity.pid == 1 {
            throw FaultRefusal(
                .protected, "\(what) is init: the machine would go down with it",
                advice: "narrow the selector")
        }
        if process.isKernelThread {
            throw FaultRefusal(.protected, "\(what) is a kernel thread", advice: "narrow the selector")
        }
        if process.isMuster(host.site), !allow.contains("muster") {
            throw FaultRefusal(
                .protected, "\(what) belongs to Muster",
                advice: "narrow the selector, or allow: [muster] to drill Muster itself")
        }
    }
}

extension ProcessSelector {
    /// Who matches now, without zombies.
    /// - Parameter sparingMuster: leaves Muster's own processes out of pattern matches, because a supervisor's
    ///   command line contains that of its fixture.
    func processes(on host: any HostReader, sparingMuster: Bool) throws -> [ProcessStatus] {
        let found: [ProcessStatus]
        switch self {
        case .pidFile(let path):
            let text = try host.read(path, from: 0, count: 64).map { String(decoding: $0, as: UTF8.self) }
            let pid = text.flatMap { Int32($0.prefix { $0 != "\n" }.filter { !$0.isWhitespace }) }
            found = try pid.flatMap { try host.process($0) }.map { [$0] } ?? []
        case .listening(let port):
            found = try host.listeners(onPort: port).compactMap { try host.process($0) }
        case .name(let name):
            found = try host.processes().filter {
                $0.name == name && !(sparingMuster && $0.isMuster(host.site))
            }
        case .commandLine(let text):
            found = try host.processes().filter {
                $0.arguments.joined(separator: " ").contains(text)
                    && !(sparingMuster && $0.isMuster(host.site))
            }
        case .cgroup(let path):
            let path = path.hasPrefix("/") ? path : "/" + path
            found = try host.processes().filter { $0.cgroup == path || $0.cgroup.hasPrefix(path + "/") }
        case .fixture(_, let id):
            let process = try host.supervisor(of: id)?.process
            found = try process.flatMap { try host.process($0) }.map { [$0] } ?? []
        }
        return found.filter { !$0.isZombie }.sorted { $0.identity.pid < $1.identity.pid }
    }
}

extension ProcessStatus {
    /// Kernel threads have no command line and descend from kthreadd, process 2.
    var isKernelThread: Bool { arguments.isEmpty && (identity.pid == 2 || parent == 2) }

    /// Engine, guard, warden, hands, supervisor, burner: they all run one of Muster's executables.
    func isMuster(_ site: GuardSite) -> Bool {
        if ["muster", "muster-guard", "muster-net"].contains(name) { return true }
        return arguments.first == site.executable
    }

    var inWords: String { "process \(identity.pid) (\(name))" }
}

extension [ProcessStatus] {
    /// Everything that descends from `roots`, parents before children.
    func descendants(of roots: [ProcessStatus]) -> [ProcessStatus] {
        var result: [ProcessStatus] = []
        var seen = Set(roots.map(\.identity.pid))
        var level = seen
        while !level.isEmpty {
            let children = filter { level.contains($0.parent) && !seen.contains($0.identity.pid) }
            level = Set(children.map(\.identity.pid))
            seen.formUnion(level)
            result += children.filter { !$0.isZombie }
        }
        return result
    }
}
