import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func processes() throws -> [ProcessStatus] {
        reapChildren()
        return try port { () throws(SystemError) in
            var found: [ProcessStatus] = []
            for pid in try processNumbers() {
                if let status = try status(of: pid) { found.append(status) }
            }
            return found
        }
    }

    public func process(_ pid: Int32) throws -> ProcessStatus? {
        reapChildren()
        return try port { () throws(SystemError) in try status(of: pid) }
    }

    public func networkNamespace(of pid: Int32?) throws -> UInt64? {
        let path = "/proc/\(pid.map(String.init) ?? "self")/ns/net"
        var found = stat()
        if stat(path, &found) == 0 { return UInt64(found.st_ino) }
        let code = errno
        // proc(5): others' need the right to trace them.
        if [ENOENT, ESRCH, EACCES, EPERM].contains(code) { return nil }
        throw SystemError("look at \(path)", code: code).hostError
    }

    @discardableResult
    public func signal(_ process: ProcessIdentity, _ signal: SignalName) throws -> Bool {
        reapChildren()
        return try port { () throws(SystemError) in
            guard let pidfd = try PidDescriptor.of(process) else { return false }
            if try pidfd.hasEnded() { return false }
            do throws(SystemError) {
                return try pidfd.send(signal.number)
            } catch {
                throw SystemError("send \(signal.rawValue) to process \(process.pid)", code: error.code)
            }
        }
    }

    /// Waits for children of ours that have ended, so that they are gone and no zombies.
    func reapChildren() {
        for (pid, child) in children {
            do {
                if try child.poll() == nil { continue }
            } catch {
                // Somebody else waited for it.
            }
            children[pid] = nil
        }
    }

    private func status(of pid: Int32) throws(SystemError) -> ProcessStatus? {
        guard let stat = try ProcessStat.read(pid) else { return nil }
        let details = (try? readSmallFile("/proc/\(pid)/status")) ?? ""
        let users = field("Uid:", of: details).split(whereSeparator: \.isWhitespace)
        let arguments = (try? readSmallFile("/proc/\(pid)/cmdline")) ?? ""
        let groups = (try? readSmallFile("/proc/\(pid)/cgroup")) ?? ""
        return ProcessStatus(
            identity: ProcessIdentity(
                pid: pid, startTicks: stat.startTicks, bootID: try MusterSystem.bootID()),
            parent: stat.parent, session: stat.session,
            // Real, effective, saved, file system: the second one counts.
            userID: users.count > 1 ? UInt32(users[1]) ?? 0 : 0,
            name: stat.name, arguments: Self.arguments(arguments), state: stat.state,
            // Hierarchy 0 without controllers is the unified one.
            cgroup: field("0::", of: groups))
    }

    /// Arguments end with a NUL each; a program that rewrote its title may have left more of them.
    private static func arguments(_ text: String) -> [String] {
        var parts = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        while parts.last == "" { parts.removeLast() }
        return parts
    }

    private func field(_ name: String, of text: String) -> String {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return "" }
        return String(line.dropFirst(name.count))
    }
}
