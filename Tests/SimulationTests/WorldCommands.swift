import MusterCore

extension World {
    /// The programs of this world.
    @discardableResult
    func command(_ argv: [String], changing: Bool) -> CommandResult {
        var words = argv.map { $0.hasPrefix("/bin/") ? String($0.dropFirst(5)) : $0 }
        var namespace = ""
        if words[0] == "nsenter" {
            namespace = String(words[1].dropFirst("--net=/run/netns/".count))
            words.removeFirst(2)
        }
        switch words[0] {
        case "nft": return nft(Array(words.dropFirst()), namespace)
        case "truncate": break
        case "mkfs.ext4": words.last.map { nodes[$0]?.isFormatted = true }
        case "mount": return mountImage(words[words.count - 2], on: words[words.count - 1])
        case "umount": return unmount(words[1])
        case "touch": nodes[words[1]] = Node()
        case "rm": nodes[words[1]] = nil
        case "is-absent": return nodes[words[1]] == nil ? ok : failed("\(words[1]) is there")
        case "is-there": return nodes[words[1]] != nil ? ok : failed("\(words[1]) is not there")
        case "start-once":
            // As every sensible start script: a second instance ends at once.
            if !running.values.contains(where: { $0.status.name == words[1] }) {
                start(words[1], arguments: [words[1]])
            }
        case "systemctl": return CommandResult(ending: .exited(0), output: "always\n", errors: "")
        default: return failed("\(words[0]): no such program in this world")
        }
        return ok
    }

    private var ok: CommandResult { CommandResult(ending: .exited(0), output: "", errors: "") }
    private func failed(_ why: String) -> CommandResult {
        CommandResult(ending: .exited(1), output: "", errors: why)
    }

    private func nft(_ words: [String], _ namespace: String) -> CommandResult {
        if words[0].hasPrefix("add table inet ") {
            let name = words[0].split(separator: " ")[3]
            tables["\(namespace)/\(name)"] = words[0]
            return ok
        }
        let key = "\(namespace)/\(words.last ?? "")"
        switch words.prefix(2) {
        case ["list", "tables"]:
            let names = tables.keys.filter { $0.hasPrefix(namespace + "/") }.map {
                $0.dropFirst(namespace.count + 1)
            }
            let text = names.map { "table inet \($0)\n" }.joined()
            return CommandResult(ending: .exited(0), output: text, errors: "")
        case ["list", "table"]:
            guard let text = tables[key] else { return failed("No such file or directory") }
            // Whose connections are led has made some; those of our own looks come on top.
            let counted = text.replacing(
                "counter redirect", with: "counter packets \(3 + led) bytes 0 redirect")
            return CommandResult(ending: .exited(0), output: counted, errors: "")
        case ["flush", "set"]:
            let key = "\(namespace)/\(words[3])"
            guard let text = tables[key] else { return failed("No such file") }
            tables[key] = text.replacing("elements = {", with: "")
            return ok
        case ["delete", "table"]: return tables.removeValue(forKey: key) == nil ? failed("No such file") : ok
        default: return failed("nft: \(words)")
        }
    }

    /// Where the tables of a namespace lead a connection; nil when none does.
    func led(_ address: StreamAddress, from namespace: String) -> StreamAddress? {
        guard case .tcp(let host, let port) = address else { return nil }
        let texts = tables.filter { $0.key.hasPrefix(namespace + "/") }.values
        guard let text = texts.first(where: { $0.contains(" \(host) . \(port) ") }),
            let port = Self.redirection(in: text)
        else { return nil }
        led += 1
        return .tcp(host: host, port: port)
    }

    private func mountImage(_ image: String, on point: String) -> CommandResult {
        guard nodes[image]?.isFormatted == true else { return failed("wrong fs type") }
        guard nodes[point] != nil, mounts[point] == nil else { return failed("no mount point") }
        var hidden: [String: Node] = [:]
        for path in below(point) { hidden[path] = nodes.removeValue(forKey: path) }
        nodes[point + "/table.db"] = Node(bytes: Array(0..<12))
        mounts[point] = Mount(
            source: "/dev/loop1", device: 50, total: 64 << 20, hidden: hidden)
        return ok
    }

    private func unmount(_ point: String) -> CommandResult {
        guard let mount = mounts.removeValue(forKey: point) else { return failed("not mounted") }
        for path in below(point) { nodes[path] = nil }
        nodes.merge(mount.hidden) { _, hidden in hidden }
        return ok
    }
}

/// What must be the same afterwards.
extension World {
    var fingerprint: [String] {
        let files = nodes.map { "\($0.key): \($0.value)" }
        // What waits at its gate ends with whoever would have let it go.
        let processes = running.values.filter { $0.status.name != World.gate }.map {
            "\($0.status.name) \($0.status.arguments) \($0.status.state) \($0.mark?.rawValue ?? "")"
        }
        let rest =
            mounts.keys.map { "mount \($0)" } + tables.keys.map { "table \($0)" }
            + supervisors.keys.map { "supervisor \($0)" }
            + programs.flatMap { api, program in program.lines(at: moment).map { "\(api.text) \($0)" } }
        return (files + processes + rest).sorted()
    }
}
