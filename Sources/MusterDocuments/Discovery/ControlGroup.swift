/// Where systemd or a container's runtime has put a process, read from `/proc/PID/cgroup` (cgroups(7)).
public struct ControlGroup: Hashable, Sendable {
    /// The path in the hierarchy that systemd uses; `/` when nothing is known.
    public var path: String

    /// - Parameter text: `/proc/PID/cgroup`. The unified hierarchy (`0::`) decides, unless it is empty: where systemd
    ///   still uses a hierarchy of its own, units are found there.
    public init(_ text: String) {
        var unified = "/"
        var named = "/"
        for line in text.split(separator: "\n") {
            if line.hasPrefix("0::") { unified = String(line.dropFirst(3)) }
            if let mark = line.firstRange(of: ":name=systemd:") { named = String(line[mark.upperBound...]) }
        }
        path = unified == "/" || unified.isEmpty ? named : unified
    }

    private var parts: [Substring] { path.split(separator: "/") }

    /// The unit of the service, such as `redis-server@sessions.service`; nil for sessions of people, and where no
    /// systemd runs. A service may have cgroups of its own below its unit's.
    public var unit: String? {
        guard let name = parts.last(where: { $0.hasSuffix(".service") }), !name.hasPrefix("user@") else {
            return nil
        }
        return String(name)
    }

    /// Whether the unit belongs to the manager of one user, whom only this user can ask.
    public var isOfUser: Bool { parts.contains { $0.hasPrefix("user@") && $0.hasSuffix(".service") } }

    /// The container that the path names; nil when it names none.
    public var container: String? {
        let marks = [
            "docker-", "libpod-", "cri-containerd-", "crio-", "lxc.payload", "systemd-nspawn@", "machine-",
        ]
        if let part = parts.last(where: { part in marks.contains { part.hasPrefix($0) } }) {
            return String(part.prefix(24))
        }
        let parents: Set<Substring> = ["docker", "lxc", "kubepods", "kubepods.slice", "machine.slice"]
        guard let index = parts.firstIndex(where: { parents.contains($0) }), index + 1 < parts.count else {
            return nil
        }
        return parts[index...].prefix(2).joined(separator: "/")
    }
}
