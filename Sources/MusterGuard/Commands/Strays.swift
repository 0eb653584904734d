import MusterCore

/// Files of injections that no journal names any more: scratch directories, and what fixtures leave in the state
/// directory. Told to people and left alone: a scratch directory may hold all that is left of a drill.
struct Strays {
    /// Where drills make their scratch directories.
    static let scratchParent = "/var/tmp"

    private let host: any Host
    private let tag: String
    private let known: Set<InjectionID>

    /// - Parameter known: injections that a journal still names.
    init(_ host: any Host, _ tag: String, keeping known: Set<InjectionID>) {
        self.host = host
        self.tag = tag
        self.known = known
    }

    /// - Returns: what stands there, each with what a person would type.
    func find(in state: String) throws -> [String] { try scratch() + besideTheJournal(state) }

    private func scratch() throws -> [String] {
        let names = try host.list(Self.scratchParent) ?? []
        var found: [String] = []
        for name in names where name.hasPrefix("muster-") {
            let path = "\(Self.scratchParent)/\(name)"
            let parts = name.split(separator: ".")
            if parts.count > 1, let id = stray("." + parts[1]) {
                // Its image, or the directory on its way to or from its name. What is mounted hides the mark.
                let owner = "\(Self.scratchParent)/\(parts[0])"
                if try isMounted(owner) {
                    found.append(
                        "scratch \(owner) of injection \(id); remove it with: umount \(owner) && "
                            + "rm -rf --one-file-system \(owner)")
                }
                found.append("\(path) of injection \(id); remove it with: rm -rf --one-file-system \(path)")
            } else if let id = try? host.list(path)?.lazy.compactMap({ stray($0) }).first {
                found.append(
                    "scratch \(path) of injection \(id); remove it with: rm -rf --one-file-system \(path)")
            }
        }
        return found
    }

    private func besideTheJournal(_ state: String) throws -> [String] {
        try (host.list(state) ?? []).compactMap { name in
            let parts = name.split(separator: ".")
            guard parts.count == 2, ["sock", "log"].contains(parts[1]), let id = stray(".muster-" + parts[0])
            else { return nil }
            let what = parts[1] == "sock" ? "a supervisor's socket" : "a fixture's output"
            return "\(what), of injection \(id); remove it with: rm \(state)/\(name)"
        }
    }

    /// The injection in a mark such as `.muster-k3f9-01J…`, when it is of this journal's tag and nobody knows it.
    private func stray(_ mark: String) -> InjectionID? {
        let prefix = ".muster-"
        guard mark.hasPrefix(prefix), let id = InjectionID(String(mark.dropFirst(prefix.count))),
            id.tag == tag, !known.contains(id)
        else { return nil }
        return id
    }

    private func isMounted(_ path: String) throws -> Bool {
        guard try host.status(of: path) != nil else { return false }
        return try host.fileSystem(holding: path).mountPoint == path
    }
}
