public import MusterCore

/// Looks at what listens on a machine. Reads /proc and unit files, and says a harmless word to some servers; changes
/// nothing. What vanishes meanwhile is left out.
public struct Surveyor {
    let host: any HostReader
    private let greets: (FoundService) -> Bool
    private let preferred: Set<Int>
    let processes: [ProcessStatus]
    private let users: [UInt32: String]

    /// The most servers that are spoken to.
    static let mostGreeted = 64

    /// - Parameters:
    ///   - greets: whether a server may be spoken to; of it, program, unit and addresses are known then.
    ///   - preferred: ports that somebody asked for: of a service with several those are looked at.
    /// - Throws: `HostError` when /proc cannot be read at all.
    public init(
        on host: any HostReader, preferring preferred: Set<Int> = [],
        greets: @escaping (FoundService) -> Bool
    ) throws {
        self.host = host
        self.greets = greets
        self.preferred = preferred
        processes = try host.processes().filter { !$0.isZombie }
        users = Self.users(host)
    }

    public func survey() -> Survey {
        var survey = Survey()
        let sockets = tables("/proc/self/net")
        let wanted = Set(sockets.map(\.inode))
        var holders: [UInt64: [Int32]] = [:]
        var unseen = 0
        for process in processes {
            guard let open = (try? host.sockets(of: process.identity.pid)) ?? nil else {
                if ((try? host.process(process.identity)) ?? nil) != nil { unseen += 1 }
                continue
            }
            for inode in open.intersection(wanted) {
                holders[inode, default: []].append(process.identity.pid)
            }
        }
        let owned = sockets.filter { holders[$0.inode] != nil }
        for group in groups(owned, holders) { add(group, &survey) }
        addUnowned(sockets.filter { holders[$0.inode] == nil }, unseen, &survey)
        addElsewhere(&survey)
        survey.services.sort { ($0.ports.first ?? 65_536, $0.main) < ($1.ports.first ?? 65_536, $1.main) }
        let greeted = survey.services.filter { $0.greeted != nil }
        if !greeted.isEmpty {
            let said = greeted.map { "\($0.greeted?.words ?? "") to \($0.address.text)" }
            survey.remarks.append("said, to find out what it is: " + said.joined(separator: "; "))
        }
        return survey
    }

    // MARK: Sockets

    func tables(_ directory: String) -> [ListeningSocket] {
        let text = { (name: String) in
            String(
                decoding: ((try? host.contents(of: "\(directory)/\(name)", limit: 64 << 20)) ?? nil) ?? [],
                as: UTF8.self)
        }
        return SocketTables.tcp(text("tcp")) + SocketTables.tcp(text("tcp6"))
            + SocketTables.unix(text("unix"))
    }

    /// Sockets of nobody whom this user may see. Those that are closed by now are left out.
    private func addUnowned(_ sockets: [ListeningSocket], _ unseen: Int, _ survey: inout Survey) {
        let still = Set(tables("/proc/self/net").map(\.inode))
        let tcp = sockets.filter { $0.address.port != nil && still.contains($0.inode) }
        for (owner, sockets) in Dictionary(grouping: tcp, by: \.userID).sorted(by: {
            $0.key ?? 0 < $1.key ?? 0
        }) {
            let isOurs = host.userID() == 0
            survey.withheld.append(
                WithheldService(
                    addresses: ordered(sockets.map(\.address), nil), program: nil, user: owner.map(name),
                    unit: nil,
                    reason: isOurs
                        ? "no process of this machine holds it: the kernel's own, or another namespace's"
                        : "the program is hidden from this user; with sudo it is seen"))
        }
        if unseen > 0 {
            survey.remarks.append(
                "\(unseen) processes of other users could not be looked into; with sudo they can")
        }
    }

    // MARK: Judging one

    private func add(_ owner: Owner, _ survey: inout Survey) {
        let main = owner.main
        // It may have ended since.
        guard ((try? host.process(main.identity)) ?? nil) != nil else { return }
        let words = programWords(main)
        let program = words.first ?? main.name
        let known = ServiceKind.of(program: words, arguments: main.arguments)
        let addresses = ordered(owner.sockets.map(\.address), known)
        let tcp = addresses.filter { $0.port != nil }
        if tcp.isEmpty, !(known?.isToldByUnixSocket ?? false) { return }
        let reason = withheld(owner, words)
        if let reason {
            if tcp.isEmpty { return }
            survey.withheld.append(
                WithheldService(
                    addresses: tcp, program: program, user: name(main.userID), unit: owner.group.unit,
                    reason: reason))
            return
        }
        var service = FoundService(
            known ?? .tcp, program: program, addresses: tcp.isEmpty ? addresses : tcp,
            listeners: owner.listeners,
            main: main.identity.pid, user: name(main.userID))
        service.unit = owner.group.unit
        greet(&service, known, survey.services.filter { $0.greeted != nil }.count)
        if [.ssh, .mail].contains(service.answer) {
            survey.withheld.append(
                WithheldService(
                    addresses: tcp, program: program, user: service.user, unit: owner.group.unit,
                    reason: service.answer == .ssh
                        ? "it speaks SSH: you might cut yourself off"
                        : "a mail or file server: no probe is known for it"))
            return
        }
        describe(&service, owner)
        survey.services.append(service)
    }

    private func programWords(_ process: ProcessStatus) -> [String] {
        let last = { (path: String) in String(path.split(separator: "/").last ?? "") }
        let program = (try? host.resolve("/proc/\(process.identity.pid)/exe")) ?? nil
        let called = process.arguments.first?.prefix { $0 != " " && $0 != ":" }
        return [process.name, program.map(last) ?? "", called.map { last(String($0)) } ?? ""].filter {
            !$0.isEmpty
        }
    }

    private func withheld(_ owner: Owner, _ words: [String]) -> String? {
        if owner.main.identity.pid == 1 {
            return "init holds the socket for a unit that is started when somebody connects"
        }
        let ids =
            text("/proc/\(owner.main.identity.pid)/status").split(separator: "\n")
            .first { $0.hasPrefix("NSpid:") }?.split(whereSeparator: \.isWhitespace).count ?? 2
        if let container = owner.group.container ?? (ids > 2 ? "another pid namespace" : nil) {
            return "in a container (\(printable(container))): drill it through what runs the container"
        }
        return ServiceKind.withheld(program: words)
    }

    private func greet(_ service: inout FoundService, _ known: ServiceKind?, _ already: Int) {
        guard already < Self.mostGreeted, let greeting = Greeting.of(known), greets(service) else { return }
        service.greeted = greeting
        let answer = greeting.say(to: service.address, on: host)
        service.answer = answer
        if known == nil, let kind = answer.kind { service.kind = kind }
        if case .redis(let info) = answer, info["redis_mode"] == "sentinel" { service.kind = .sentinel }
        if answer == .tls, known == nil { service.kind = .http }
    }

    private func describe(_ service: inout FoundService, _ owner: Owner) {
        let main = owner.main
        if service.kind == .postgresql { describePostgres(&service, main) }
        if let unit = owner.group.unit {
            service.isUserUnit = owner.group.isOfUser
            service.isSocketActivated = owner.isSocketUnit
            service.settings = service.isUserUnit ? nil : UnitSettings(unit, on: host)
            service.starter = .unit
        } else {
            service.starter = .of(main, processes, on: host)
        }
        // The choice asks what the unit says, and the command how the processes are found.
        service.choice = .choose(for: service, among: processes, on: host)
        if owner.group.unit == nil { service.start = StartCommand.rebuilt(for: service, main, on: host) }
        let tools = ["bash", "redis-cli", "valkey-cli", "pg_isready", "mariadb-admin", "mysqladmin", "curl"]
        service.tools = Set(tools.filter { host.tool($0) != nil })
    }

    /// A server's working directory is its data directory, so that a flag says nothing but where that was from where the
    /// server was started; Debian's clusters lie in /var/lib/postgresql/VERSION/NAME.
    private func describePostgres(_ service: inout FoundService, _ main: ProcessStatus) {
        let flag = main.arguments.values(of: "-D").last { $0.hasPrefix("/") }
        let data = flag ?? (try? host.resolve("/proc/\(main.identity.pid)/cwd")) ?? nil
        service.dataDirectory = data
        let parts = (data ?? "").split(separator: "/").map(String.init)
        if parts.count == 5, parts.starts(with: ["var", "lib", "postgresql"]) {
            service.cluster = "\(parts[3])/\(parts[4])"
        }
    }

    // MARK: Words

    func controlGroup(_ pid: Int32) -> ControlGroup {
        ControlGroup(text("/proc/\(pid)/cgroup"))
    }

    func text(_ path: String) -> String {
        String(decoding: ((try? host.contents(of: path)) ?? nil) ?? [], as: UTF8.self)
    }

    /// A port that was asked for first, then the one by which its kind is known; then what is reached over loopback, IPv4,
    /// the lowest port.
    private func ordered(_ addresses: [StreamAddress], _ kind: ServiceKind?) -> [StreamAddress] {
        func rank(_ address: StreamAddress) -> (Int, Int, Int, Int, String) {
            guard case .tcp(let host, let port) = address else { return (99, 9, 9, 0, address.text) }
            let usual = preferred.contains(port) ? -1 : kind?.usualPorts.firstIndex(of: port) ?? 90
            let isNear = host.hasPrefix("127.") || host == "0.0.0.0" || host == "::" || host == "::1"
            // A link-local address needs an interface, which the table does not tell.
            let near = isNear ? 0 : host.hasPrefix("fe80:") ? 2 : 1
            return (usual, near, port, host.contains(":") ? 1 : 0, host)
        }
        return Set(addresses).sorted { rank($0) < rank($1) }
    }

    func name(_ user: UInt32) -> String { users[user] ?? String(user) }

    private static func users(_ host: any HostReader) -> [UInt32: String] {
        let text = String(decoding: ((try? host.contents(of: "/etc/passwd")) ?? nil) ?? [], as: UTF8.self)
        var users: [UInt32: String] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, let id = UInt32(fields[2]), users[id] == nil {
                users[id] = printable(String(fields[0]))
            }
        }
        return users
    }
}
