import MusterCore

extension TargetChoice {
    /// The way of finding a service's processes that will still match when the drill runs, checked against what runs now.
    ///
    /// A service of several processes is found by the one above the others, and killed with its tree. A port tells only
    /// where one process holds it: workers come and go, and the count must be exact. One that systemd holds as well tells
    /// init from the service no more.
    static func choose(
        for service: FoundService, among processes: [ProcessStatus], on host: any HostReader
    ) -> TargetChoice {
        let hasChildren = processes.contains { $0.parent == service.main }
        let tree = hasChildren && (service.kind.isOfManyProcesses || service.listeners.count > 1)
        let holdsAlone = service.listeners == [service.main] && !service.isSocketActivated
        if holdsAlone, !tree, case .tcp(_, let port) = service.addresses[0] {
            return TargetChoice(.listening(port))
        }
        for path in pidFiles(of: service, processes) where names(service.main, path, host) {
            return TargetChoice(.pidFile(path), tree: tree)
        }
        if let main = processes.first(where: { $0.identity.pid == service.main }),
            let text = uniqueLine(of: main, among: processes)
        {
            return TargetChoice(.commandLine(text), tree: tree)
        }
        if holdsAlone, case .tcp(_, let port) = service.addresses[0] {
            return TargetChoice(.listening(port), tree: tree)
        }
        if let port = service.ports.first, !service.isSocketActivated {
            return TargetChoice(.listening(port), count: max(1, service.listeners.count))
        }
        return TargetChoice(.name(service.program), count: max(1, service.listeners.count))
    }

    private static func pidFiles(of service: FoundService, _ processes: [ProcessStatus]) -> [String] {
        var paths = [service.settings?.pidFile].compactMap { $0 }
        let arguments = processes.first { $0.identity.pid == service.main }?.arguments ?? []
        // Of haproxy, gunicorn and memcached, and what most others call it.
        let flags: Set<String> = ["-p", "-P", "--pid", "--pidfile", "--pid-file"]
        for (index, argument) in arguments.enumerated() {
            if flags.contains(argument), index + 1 < arguments.count { paths.append(arguments[index + 1]) }
            if let sign = argument.firstIndex(of: "="), flags.contains(String(argument[..<sign])) {
                paths.append(String(argument[argument.index(after: sign)...]))
            }
        }
        switch service.kind {
        case .postgresql:
            if let cluster = service.cluster {
                paths.append("/run/postgresql/\(cluster.replacing("/", with: "-")).pid")
            }
            if let data = service.dataDirectory { paths.append(data + "/postmaster.pid") }
        case .nginx: paths += ["/run/nginx.pid", "/var/run/nginx.pid", "/usr/local/nginx/logs/nginx.pid"]
        case .apache: paths += ["/run/apache2/apache2.pid", "/run/httpd/httpd.pid"]
        case .haproxy: paths.append("/run/haproxy.pid")
        case .mysql: paths += ["/run/mysqld/mysqld.pid", "/run/mariadb/mariadb.pid"]
        case .redis: paths += ["/run/redis/redis-server.pid", "/run/valkey/valkey-server.pid"]
        case .sentinel: paths += ["/run/sentinel/redis-sentinel.pid", "/run/valkey/valkey-sentinel.pid"]
        case .memcached, .etcd, .rabbitmq, .http, .tcp: break
        }
        return paths.filter { $0.hasPrefix("/") && printable($0) == $0 }
    }

    private static func names(_ pid: Int32, _ path: String, _ host: any HostReader) -> Bool {
        guard let bytes = (try? host.read(path, from: 0, count: 64)) ?? nil else { return false }
        return Int32(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }.filter { !$0.isWhitespace })
            == pid
    }

    /// Its whole command line, where no other process has it as a part of its own and nothing in it is secret.
    private static func uniqueLine(of main: ProcessStatus, among processes: [ProcessStatus]) -> String? {
        let line = main.arguments.joined(separator: " ").trimmingBlanks
        guard line.count >= 6, line.count <= 300, printable(line) == line,
            !StartCommand.looksSecret(main.arguments)
        else { return nil }
        let matches = processes.filter { $0.arguments.joined(separator: " ").contains(line) }
        return matches.count == 1 ? line : nil
    }
}
