import MusterCore

extension Surveyor {
    /// Processes that listen together, as one service.
    struct Owner {
        var main: ProcessStatus
        var listeners: [Int32]
        var sockets: [ListeningSocket]
        var group: ControlGroup
        /// Whether init holds one of the sockets, for a unit that is started when somebody connects.
        var isSocketUnit = false
    }

    /// Sockets by whom they belong to: a unit's processes, or those below one process of the same program.
    func groups(_ sockets: [ListeningSocket], _ holders: [UInt64: [Int32]]) -> [Owner] {
        let byPid = Dictionary(processes.map { ($0.identity.pid, $0) }) { first, _ in first }
        var owners: [Int32: Owner] = [:]
        for socket in sockets {
            let all = holders[socket.inode] ?? []
            let own = all.filter { $0 != 1 }
            for top in Set((own.isEmpty ? all : own).map { top(of: $0, own, byPid) }) {
                guard let main = byPid[top] else { continue }
                let mine = own.filter { self.top(of: $0, own, byPid) == top }
                var owner =
                    owners[top] ?? Owner(main: main, listeners: [], sockets: [], group: controlGroup(top))
                owner.sockets.append(socket)
                owner.listeners = Array(Set(owner.listeners).union(mine)).sorted()
                owner.isSocketUnit = owner.isSocketUnit || own.count < all.count
                owners[top] = owner
            }
        }
        return merged(owners.values.sorted { $0.main.identity.pid < $1.main.identity.pid })
    }

    /// The highest ancestor that is the same program or holds the socket as well.
    private func top(of pid: Int32, _ holders: [Int32], _ byPid: [Int32: ProcessStatus]) -> Int32 {
        var top = pid
        var steps = 0
        while let process = byPid[top], process.parent > 1, let parent = byPid[process.parent], steps < 64,
            holders.contains(process.parent) || parent.name == process.name && !isShell(parent)
        {
            top = process.parent
            steps += 1
        }
        return top
    }

    private func isShell(_ process: ProcessStatus) -> Bool {
        ["bash", "sh", "dash", "zsh", "fish"].contains(process.name)
    }

    /// Owners of one port (SO_REUSEPORT), and those of one unit, are one service.
    private func merged(_ owners: [Owner]) -> [Owner] {
        var result: [Owner] = []
        for owner in owners {
            let addresses = Set(owner.sockets.map(\.address))
            let index = result.firstIndex { other in
                let isSameUnit = owner.group.unit != nil && owner.group == other.group
                let sharesPort = other.sockets.contains {
                    $0.address.port != nil && addresses.contains($0.address)
                }
                return isSameUnit || sharesPort && other.main.name == owner.main.name
            }
            guard let index else {
                result.append(owner)
                continue
            }
            result[index].sockets += owner.sockets
            result[index].listeners = Array(Set(result[index].listeners).union(owner.listeners)).sorted()
            result[index].isSocketUnit = result[index].isSocketUnit || owner.isSocketUnit
        }
        return result
    }
}
