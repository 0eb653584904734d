import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func listeners(onPort port: Int) throws -> [Int32] {
        try MusterHost.port { () throws(SystemError) in
            var inodes: Set<UInt64> = []
            for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
                guard let text = try readSmallFile(table, limit: 64 << 20) else { continue }
                inodes.formUnion(Self.listening(onPort: port, in: text).compactMap { UInt64($0) })
            }
            if inodes.isEmpty { return [] }
            var found: [Int32] = []
            for pid in try processNumbers() where !(openSockets(of: pid)?.isDisjoint(with: inodes) ?? true) {
                found.append(pid)
            }
            return found
        }
    }

    public func sockets(of pid: Int32) throws -> Set<UInt64>? { openSockets(of: pid) }

    /// The inodes of the listening sockets of a table like /proc/net/tcp (proc(5)): state 0A is LISTEN, the local
    /// port is hexadecimal after the last colon.
    static func listening(onPort port: Int, in table: String) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[3] == "0A", let local = fields[1].split(separator: ":").last,
                Int(local, radix: 16) == port
            else { return nil }
            return String(fields[9])
        }
    }

    /// nil when this user may not look, or nobody is there.
    private func openSockets(of pid: Int32) -> Set<UInt64>? {
        guard let directory = try? Descriptor(opening: "/proc/\(pid)/fd", O_RDONLY | O_DIRECTORY),
            let names = try? directory.names()
        else { return nil }
        var found: Set<UInt64> = []
        for name in names {
            var buffer = [UInt8](repeating: 0, count: 64)
            let length = buffer.withUnsafeMutableBytes {
                readlinkat(
                    directory.number, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
            guard length > 0 else { continue }
            // `socket:[4711]`
            let link = String(decoding: buffer[..<length], as: UTF8.self)
            if link.hasPrefix("socket:["), let inode = UInt64(link.dropFirst(8).dropLast()) {
                found.insert(inode)
            }
        }
        return found
    }
}
