/// What a program that listens is, as far as a first drill has to know.
public enum ServiceKind: String, Hashable, Sendable, CaseIterable {
    case redis, sentinel, postgresql, mysql, memcached, etcd, rabbitmq
    case nginx, apache, haproxy
    /// Something that answers HTTP.
    case http
    /// Something of which no more is known than that it takes connections.
    case tcp

    /// What people call it.
    public var title: String {
        switch self {
        case .redis: "Redis"
        case .sentinel: "Redis Sentinel"
        case .postgresql: "PostgreSQL"
        case .mysql: "MariaDB or MySQL"
        case .memcached: "memcached"
        case .etcd: "etcd"
        case .rabbitmq: "RabbitMQ"
        case .nginx: "nginx"
        case .apache: "Apache"
        case .haproxy: "haproxy"
        case .http: "HTTP service"
        case .tcp: "TCP service"
        }
    }

    /// The port by which it is known, where it listens on several; the first that it has counts.
    var usualPorts: [Int] {
        switch self {
        case .redis: [6379]
        case .sentinel: [26_379]
        case .postgresql: [5432]
        case .mysql: [3306]
        case .memcached: [11_211]
        case .etcd: [2379]
        case .rabbitmq: [5672, 5671]
        case .nginx, .apache, .haproxy, .http: [80, 8080, 8000, 443]
        case .tcp: []
        }
    }

    /// Whether it consists of several processes that share its sockets.
    var isOfManyProcesses: Bool { [.postgresql, .nginx, .apache, .haproxy].contains(self) }

    /// Whether its UNIX socket tells as much as a port.
    var isToldByUnixSocket: Bool {
        [.redis, .sentinel, .postgresql, .mysql, .memcached, .http].contains(self)
    }

    /// By its program.
    /// - Parameters:
    ///   - words: names of the program, the most telling first: the kernel's, the executable's, the one it was called by.
    ///   - arguments: tell a Sentinel from a Redis, and a broker from any other Erlang.
    /// - Returns: nil when the program does not tell what it is.
    static func of(program words: [String], arguments: [String]) -> ServiceKind? {
        let line = arguments.joined(separator: " ")
        for word in words {
            switch word {
            case "redis-server", "valkey-server", "redis-sentinel", "valkey-sentinel", "keydb-server":
                let isSentinel =
                    word.hasSuffix("sentinel") || line.contains("[sentinel]")
                    || arguments.contains("--sentinel")
                return isSentinel ? .sentinel : .redis
            case "postgres", "postmaster": return .postgresql
            case "mariadbd", "mysqld": return .mysql
            case "memcached": return .memcached
            case "etcd": return .etcd
            case "nginx", "openresty", "angie": return .nginx
            case "apache2", "httpd": return .apache
            case "haproxy": return .haproxy
            case "beam.smp", "beam", "erl": if line.contains("rabbit") { return .rabbitmq }
            case _ where word.hasPrefix("php-fpm"), "gunicorn", "uwsgi", "uvicorn", "puma", "unicorn":
                return .http
            default: continue
            }
        }
        return nil
    }

    /// Why a program is never offered; nil when it may be.
    static func withheld(program words: [String]) -> String? {
        for word in words {
            switch word {
            case "sshd", "dropbear": return "you might cut yourself off"
            case "dockerd", "containerd", "kubelet", "crio", "docker-proxy", "conmon", "podman",
                "rootlessport":
                return "it carries containers: breaking it breaks all of them"
            case "dbus-daemon", "dbus-broker", "polkitd", "chronyd", "ntpd", "dhclient", "NetworkManager",
                "rpcbind", "rpc.statd", "rpc.mountd", "cupsd", "avahi-daemon", "agetty", "login", "snapd",
                "tmux",
                "epmd", "screen", "ssh-agent", "gpg-agent", "qemu-ga", "getty", "cron", "rsyslogd", "dnsmasq":
                return "part of the system rather than a service of yours"
            case "muster", "muster-guard", "muster-net": return "Muster itself"
            case _ where word.hasPrefix("systemd") || word.hasPrefix("(sd-"):
                return "part of the system rather than a service of yours"
            default: continue
            }
        }
        return nil
    }
}
