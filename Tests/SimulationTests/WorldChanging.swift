import MusterCore

extension World {
    func createDirectory(_ path: String, mode: UInt32) throws {
        try effect("mkdir") {
            if nodes[path] != nil { throw HostError(.exists, "mkdir \(path)", "exists") }
            nodes[path] = Node(kind: .directory)
        }
    }
    func createFile(_ path: String, contents: [UInt8], mode: UInt32) throws {
        if nodes[path] != nil { throw HostError(.exists, "create \(path)", "exists") }
        try effect("create", half: { nodes[path] = Node() }, done: { nodes[path] = Node(bytes: contents) })
    }
    func replaceFile(_ path: String, contents: [UInt8]) throws {
        try effect("replace") { nodes[path] = Node(bytes: contents) }
    }
    func copyFile(_ path: String, to copy: String) throws {
        guard let node = nodes[path] else { throw HostError(.notFound, "copy \(path)", "missing") }
        let parent = copy.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        guard nodes[parent] != nil else { throw HostError(.notFound, "copy to \(copy)", "no directory") }
        let half = Node(bytes: Array(node.bytes.prefix(node.bytes.count / 2)))
        try effect(
            "copy", half: { nodes[copy] = half },
            done: {
                if nodes[copy] != nil { throw HostError(.exists, "copy to \(copy)", "exists") }
                nodes[copy] = node
            })
    }
    func overwrite(_ path: String, at offset: Int64, with bytes: [UInt8]) throws {
        func write(_ bytes: some Collection<UInt8>) {
            for (index, byte) in bytes.enumerated() { nodes[path]?.bytes[Int(offset) + index] = byte }
        }
        try effect("overwrite", half: { write(bytes.prefix(bytes.count / 2)) }, done: { write(bytes) })
    }
    func allocate(_ path: String, size: Int64, deadline: Duration) throws -> Int64 {
        try effect(
            "allocate", half: { nodes[path]?.filled = size / 2 },
            done: {
                nodes[path]?.filled = size
                return size
            })
    }
    func rename(_ path: String, to other: String) throws {
        try effect("rename") {
            guard let node = nodes[path] else { throw HostError(.notFound, "rename \(path)", "missing") }
            for inner in below(path) {
                nodes[other + inner.dropFirst(path.count)] = nodes.removeValue(forKey: inner)
            }
            nodes[path] = nil
            nodes[other] = node
        }
    }
    func remove(_ path: String) throws { try effect("remove") { nodes[path] = nil } }
    func removeTree(_ path: String) throws {
        // The worst order for whoever tells ours from others' by a file in it: that one goes first.
        let inner = below(path)
        func clear(_ some: some Sequence<String>) { for path in some { nodes[path] = nil } }
        try effect(
            "rm -r", half: { clear(inner.prefix((inner.count + 1) / 2)) },
            done: {
                if mounts.keys.contains(path) { throw HostError(.busy, "rm -r \(path)", "is a mount point") }
                clear(inner + [path])
            })
    }
    func writeControl(_ path: String, _ text: String) throws { try effect("control") {} }

    func run(_ argv: [String], as id: InjectionID, deadline: Duration) throws -> CommandResult {
        try effect(
            "run",
            half: {
                // The command outlives us, and does its work when nobody expects it any more.
                let pid = start("helper", arguments: argv, mark: id)
                running[pid]?.later = { _ = $0.command(argv, changing: true) }
            }, done: { command(argv, changing: true) })
    }

    func restart(_ argv: [String], deadline: Duration) throws -> CommandResult {
        try effect(
            "restart", half: { command(argv, changing: true) }, done: { command(argv, changing: true) })
    }

    func spawn(_ argv: [String], as id: InjectionID) throws -> ProcessIdentity {
        // Half-way: it exists behind its gate, and has not run a single instruction of its own.
        try effect(
            "spawn", half: { start("gate", arguments: argv, mark: id) },
            done: {
                let pid = start(argv.count > 1 ? argv[1] : argv[0], arguments: argv, mark: id)
                if argv.count > 1 { begin(helper: argv, pid, id) }
                return ProcessIdentity(pid: pid, startTicks: UInt64(pid) * 10, bootID: "boot")
            })
    }

    private func begin(helper argv: [String], _ pid: Int32, _ id: InjectionID) {
        let rest = argv.firstIndex(of: "--").map { Array(argv[($0 + 1)...]) } ?? []
        switch argv[1] {
        case "supervise":
            guard let option = argv.firstIndex(of: "--socket") else { return }
            nodes[argv[option + 1]] = Node(kind: .other)
            nodes[site.log(of: id)] = Node()
            supervisors[id] = Supervisor(pid: pid, socket: argv[option + 1], argv: rest, mark: id)
            startChild(of: id)
        case "crash-loop": running[pid]?.strikes = "db"
        default: break
        }
    }

    func adopt(_ process: ProcessIdentity, as id: InjectionID) throws {
        try effect("adopt") {
            running[process.pid]?.mark = id
            // It is let go, and writes into its drill's directory, which may be gone by then.
            running[process.pid]?.status.name = "step"
            running[process.pid]?.later = { if $0.open.isEmpty { $0.nodes["/srv/fresh/again"] = Node() } }
        }
    }

    func signal(_ process: ProcessIdentity, _ signal: SignalName) throws -> Bool {
        try effect("signal") {
            guard running[process.pid]?.status.identity == process else { return false }
            switch signal {
            case .stop: running[process.pid]?.status.state = "T"
            case .cont: running[process.pid]?.status.state = "S"
            default: end(process.pid)
            }
            return true
        }
    }

    func endHelpers(of id: InjectionID, grace: Duration, deadline: Duration) throws {
        let all = running.filter { $0.value.mark == id }.keys.sorted()
        let socket = supervisors[id]?.socket
        try effect(
            "end helpers", half: { all.prefix((all.count + 1) / 2).forEach(end) },
            done: {
                all.forEach(end)
                // A supervisor that was asked in time tidies up behind itself.
                if grace > .zero, let socket { nodes[socket] = nil }
            })
    }

    func ask(supervisorOf id: InjectionID, _ request: SupervisorRequest) throws -> SupervisorStatus {
        try effect("ask") {
            guard let supervisor = supervisors[id] else { throw HostError(.notFound, "ask", "no supervisor") }
            switch request {
            case .start: startChild(of: id)
            case .stop: supervisor.child.map(end)
            case .status: break
            }
        }
        guard let status = try supervisor(of: id) else { throw HostError(.notFound, "ask", "no supervisor") }
        return status
    }
}

/// The journal's transactions are atomic: half-way is either not begun or done.
extension World {
    func open(_ injection: Injection) throws {
        try effect("open", half: { open.append(injection) }, done: { open.append(injection) })
    }
    func close(_ id: InjectionID, _ how: Closing) throws {
        try effect("close") {
            guard let index = open.firstIndex(where: { $0.id == id }) else { return }
            let row = open.remove(at: index)
            if how == .verified { leftovers += row.disposals.map { (id, $0) } }
        }
    }
    func openInjections() throws -> [Injection] {
        try alive()
        return open
    }
    func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {}
    func helpers(of id: InjectionID) throws -> [HelperRecord] { [] }
    func pendingDisposals() throws -> [(InjectionID, Disposal)] {
        try alive()
        return leftovers
    }
    func disposed(_ disposal: Disposal, of id: InjectionID) throws {
        try effect("disposed") { leftovers.removeAll { $0.0 == id && $0.1 == disposal } }
    }
}
