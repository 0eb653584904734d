import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// Where the liars listen, and from where the instrument looks at them.
final class CalibrationPlace {
    /// IPv4, on which the liars listen.
    let address: String
    /// Runs a command from where the instrument is.
    let prefix: [String]
    let words: String
    private var namespace: String?

    private init(_ address: String, prefix: [String] = [], _ words: String, namespace: String? = nil) {
        self.address = address
        self.prefix = prefix
        self.words = words
        self.namespace = namespace
    }

    static func loopback() -> CalibrationPlace { CalibrationPlace("127.0.0.1", "loopback") }

    /// A network between the two, as far as this user may make one.
    /// - Throws: `Refusal` when there is none.
    static func network() throws -> CalibrationPlace {
        if geteuid() == 0 { return try namespace() }
        guard let address = localAddress() else {
            throw Refusal(
                .refused, "--network: this host has no IPv4 address besides loopback",
                advice: "run it as root, which makes a network namespace, or without --network")
        }
        return CalibrationPlace(address, "the local address \(address), without a network in between")
    }

    /// A namespace of our own at the other end of a pair of virtual cables (veth(4)), with addresses that are set aside
    /// for measuring (RFC 2544).
    private static func namespace() throws -> CalibrationPlace {
        guard let ip = Files.program("ip") else {
            throw Refusal(
                .refused, "--network needs the program `ip`", advice: "sudo apt-get install iproute2")
        }
        let pid = getpid()
        let name = namePrefix + "\(pid)"
        let (near, far) = ("mcal\(pid)", "mcal\(pid)p")
        let subnet = "198.18.\(UInt32(pid) % 256)"
        let third = UInt32(pid) / 256 % 64 * 4
        let place = CalibrationPlace(
            "\(subnet).\(third + 1)", prefix: [ip, "netns", "exec", name], "a network namespace of its own",
            namespace: name)
        try run([ip, "netns", "add", name])
        try run([ip, "link", "add", near, "type", "veth", "peer", "name", far, "netns", name])
        try run([ip, "address", "add", "\(subnet).\(third + 1)/30", "dev", near])
        try run([ip, "link", "set", near, "up"])
        try run([ip, "-n", name, "address", "add", "\(subnet).\(third + 2)/30", "dev", far])
        try run([ip, "-n", name, "link", "set", far, "up"])
        // The instrument looks at a server of its own on loopback, which is down in a new namespace.
        try run([ip, "-n", name, "link", "set", "lo", "up"])
        return place
    }

    private static let namePrefix = "muster-cal-"

    private static let folderPrefix = "muster-calibrate-"

    /// Where the instrument keeps its ledgers meanwhile.
    static var folder: String { FileManager.default.temporaryDirectory.path + "/\(folderPrefix)\(getpid())" }

    /// Removes what calibrations that were killed have left behind, by the numbers of their processes.
    static func removeAbandoned() {
        let temporary = FileManager.default.temporaryDirectory.path
        for name in abandoned(in: temporary, folderPrefix) {
            try? FileManager.default.removeItem(atPath: "\(temporary)/\(name)")
        }
        guard let ip = Files.program("ip") else { return }
        for name in abandoned(in: "/run/netns", namePrefix) { try? run([ip, "netns", "delete", name]) }
    }

    private static func abandoned(in directory: String, _ prefix: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { name in
            guard name.hasPrefix(prefix), let pid = Int32(name.dropFirst(prefix.count)) else { return false }
            var status = stat()
            return kill(pid, 0) != 0 && errno == ESRCH
                && lstat("\(directory)/\(name)", &status) == 0 && status.st_uid == geteuid()
        }
    }

    /// Removes what was made; the cables go with the namespace.
    func close() {
        guard let namespace, let ip = Files.program("ip") else { return }
        self.namespace = nil
        do {
            try Self.run([ip, "netns", "delete", namespace])
        } catch {
            Terminal.complain(
                "the network namespace \(namespace) is still there", advice: "ip netns delete \(namespace)")
        }
    }

    deinit { close() }

    private static func run(_ argv: [String]) throws {
        var spawn = Spawn(argv)
        spawn.errors = .inherit
        let status = try spawn.start().wait(for: .seconds(10))
        guard status == .exited(0) else {
            throw Refusal(
                .refused, "--network: `\(argv.joined(separator: " "))` failed",
                advice: "run it without --network, or where network namespaces can be made")
        }
    }

    /// The first address of a network interface that is up and is not loopback (getifaddrs(3)).
    private static func localAddress() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let raw = entry.ifa_addr, raw.pointee.sa_family == sa_family_t(AF_INET),
                entry.ifa_flags & UInt32(IFF_UP) != 0,
                entry.ifa_flags & UInt32(IFF_LOOPBACK) == 0
            else { continue }
            var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
            let found = raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                inet_ntop(AF_INET, &pointer.pointee.sin_addr, &text, socklen_t(text.count)) != nil
            }
            if found {
                return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        return nil
    }
}
