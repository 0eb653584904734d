import MusterCore

extension Surveyor {
    /// What listens in other network namespaces: containers, and those made by hand.
    func addElsewhere(_ survey: inout Survey) {
        guard let own = (try? host.networkNamespace(of: nil)) ?? nil else { return }
        var seen: Set<UInt64> = [own]
        for process in processes {
            guard let space = space(of: process), seen.insert(space).inserted else { continue }
            let sockets = tables("/proc/\(process.identity.pid)/net").filter { $0.address.port != nil }
            guard !sockets.isEmpty else { continue }
            // The first one that lives there may be anybody: a thread of the kernel's, for instance.
            let holder = holder(of: Set(sockets.map(\.inode)), in: space)
            let group = controlGroup((holder ?? process).identity.pid)
            let place = group.container.map { "container \(printable($0))" } ?? "another network namespace"
            survey.withheld.append(
                WithheldService(
                    addresses: sockets.map(\.address), program: holder?.name,
                    user: holder.map { name($0.userID) }, unit: group.unit,
                    reason: "in \(place): drill it from there"))
        }
    }

    private func space(of process: ProcessStatus) -> UInt64? {
        (try? host.networkNamespace(of: process.identity.pid)) ?? nil
    }

    /// The first process of a network namespace that holds one of these sockets; nil where this user may not know.
    private func holder(of sockets: Set<UInt64>, in space: UInt64) -> ProcessStatus? {
        processes.first { process in
            guard self.space(of: process) == space,
                let open = (try? host.sockets(of: process.identity.pid)) ?? nil
            else { return false }
            return !open.isDisjoint(with: sockets)
        }
    }
}
