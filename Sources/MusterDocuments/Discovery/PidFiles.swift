import MusterCore

/// Where a service may have written its process id. Only places: whether one names the service is looked at there.
enum PidFiles {
    /// The unit's, those of the command line, those of its configuration, and where its kind has them by default.
    static func places(of service: FoundService, arguments: [String], on host: any HostReader) -> [String] {
        var paths = [service.settings?.pidFile].compactMap { $0 }
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
        case .nginx:
            paths += nginx(ServerArguments.nginx(arguments) ?? [], host)
            paths += ["/run/nginx.pid", "/var/run/nginx.pid", "/usr/local/nginx/logs/nginx.pid"]
        case .apache:
            paths += apache(arguments, host)
            paths += ["/run/apache2/apache2.pid", "/run/apache2.pid", "/run/httpd/httpd.pid"]
        case .haproxy:
            paths += values(of: ["-f"], in: arguments).compactMap { named("pidfile", in: $0, host) }
            paths.append("/run/haproxy.pid")
        case .mysql: paths += ["/run/mysqld/mysqld.pid", "/run/mariadb/mariadb.pid"]
        case .redis: paths += ["/run/redis/redis-server.pid", "/run/valkey/valkey-server.pid"]
        case .sentinel: paths += ["/run/sentinel/redis-sentinel.pid", "/run/valkey/valkey-sentinel.pid"]
        case .memcached, .etcd, .rabbitmq, .http, .tcp: break
        }
        return paths.filter { $0.hasPrefix("/") && printable($0) == $0 }
    }

    /// `pid` (https://nginx.org/en/docs/ngx_core_module.html#pid), behind `-g` or in the file behind `-c`.
    private static func nginx(_ arguments: [String], _ host: any HostReader) -> [String] {
        let given = values(of: ["-g"], in: arguments).compactMap {
            directive("pid", in: $0.replacing(";", with: "\n"))
        }
        let file = values(of: ["-c"], in: arguments).last ?? "/etc/nginx/nginx.conf"
        return given + [named("pid", in: file, host)].compactMap { $0 }
    }

    /// `PidFile`, which is relative to `ServerRoot` (https://httpd.apache.org/docs/2.4/mod/mpm_common.html#pidfile); one
    /// that an environment variable names stays unknown.
    private static func apache(_ arguments: [String], _ host: any HostReader) -> [String] {
        let root = values(of: ["-d"], in: arguments).last
        let file = values(of: ["-f"], in: arguments).last ?? "apache2.conf"
        let path = file.hasPrefix("/") ? file : "\(root ?? "/etc/apache2")/\(file)"
        guard let name = named("PidFile", in: path, host) else { return [] }
        if name.hasPrefix("/") { return [name] }
        return [root ?? named("ServerRoot", in: path, host)].compactMap { $0.map { "\($0)/\(name)" } }
    }

    private static func values(of flags: Set<String>, in arguments: [String]) -> [String] {
        zip(arguments, arguments.dropFirst()).filter { flags.contains($0.0) }.map(\.1)
    }

    /// Of a configuration file nothing is kept but the value of this one word.
    private static func named(_ word: String, in path: String, _ host: any HostReader) -> String? {
        let real = ((try? host.resolve(path)) ?? nil) ?? path
        // A pipe would be waited for.
        guard path.hasPrefix("/"), let status = (try? host.status(of: real)) ?? nil, status.kind == .file,
            let bytes = (try? host.contents(of: real)) ?? nil
        else { return nil }
        return directive(word, in: String(decoding: bytes, as: UTF8.self))
    }

    /// The last line that begins with this word, without quotes and the semicolon of nginx.
    static func directive(_ word: String, in text: String) -> String? {
        var found: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count > 1, words[0].lowercased() == word.lowercased() else { continue }
            let value = words[1].prefix { $0 != ";" }.filter { $0 != "\"" && $0 != "'" }
            if !value.isEmpty, !value.contains("$") { found = value }
        }
        return found
    }
}
