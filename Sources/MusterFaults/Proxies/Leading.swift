import MusterCore

/// Whose connections are led to the proxy of a drill, as the kernel has it.
struct Leading: Equatable {
    /// The named namespace that is led; nil: a cgroup, and the table is in the host's own namespace.
    var namespace: String?
    /// Where those connections were going; empty once the kernel has lifted it.
    var to: [StreamAddress]
    /// How many the packet filter led so far.
    var count: Int

    /// - Returns: nil when nobody is led there.
    static func find(_ id: InjectionID, on host: any HostReader) throws -> Leading? {
        // Only root can have brought such a table up.
        guard host.userID() == 0 else { return nil }
        return try read(id, in: namespace(of: id, on: host), on: host)
    }

    /// - Returns: nil when there is no such table.
    static func read(_ id: InjectionID, in namespace: String?, on host: any HostReader) throws -> Leading? {
        guard let nft = NetworkPlace.command(namespace, on: host) else { return nil }
        let list = try host.query(
            nft + ["list", "table", "inet", NoNftTable.table(of: id)], deadline: .seconds(5))
        guard list.succeeded else { return nil }
        return Leading(namespace: namespace, table: list.output)
    }

    /// - Parameter table: as `nft list table` prints it.
    init(namespace: String?, table: String) {
        self.namespace = namespace
        to = []
        if let begin = table.firstRange(of: "elements = {") {
            for element in table[begin.upperBound...].prefix(while: { $0 != "}" }).split(separator: ",") {
                let words = element.split(whereSeparator: \.isWhitespace)
                guard words.count >= 3, let port = Int(words[2]) else { continue }
                to.append(.tcp(host: String(words[0]), port: port))
            }
        }
        let counted = table.firstRange(of: "counter packets ").map { table[$0.upperBound...] }
        count = counted.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
    }

    /// The named namespace in which the proxy of a drill runs.
    /// - Returns: nil when it is the host's own.
    private static func namespace(of id: InjectionID, on host: any HostReader) throws -> String? {
        guard let process = try host.supervisor(of: id)?.process,
            let found = try host.networkNamespace(of: process.pid),
            try found != host.networkNamespace(of: nil)
        else { return nil }
        for name in try host.list(NetworkPlace.namespaces) ?? [] {
            let file = try host.status(of: NetworkPlace.path(ofNamespace: name))
            if file?.inode == found { return name }
        }
        return nil
    }
}
