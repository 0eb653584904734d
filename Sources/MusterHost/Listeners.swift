import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func listeners(onPort port: Int) throws -> [Int32] {
        try MusterHost.port { () throws(SystemError) in
            var sockets: Set<String> = []
            for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
                guard let text = try readSmallFile(table, limit: 64 << 20) else { continue }
                sockets.formUnion(Self.listening(onPort: port, in: text).map { "socket:[\($0)]" })
            }
            if sockets.isEmpty { return [] }
            var found: [Int32] = []
            for pid in try processNumbers() where holds(pid, one: sockets) { found.append(pid) }
            return found
        }
    }

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

    /// Whether a process has one of the sockets open; false when this user may not look.
    private func holds(_ pid: Int32, one sockets: Set<String>) -> Bool {
        guard let directory = try? Descriptor(opening: "/proc/\(pid)/fd", O_RDONLY | O_DIRECTORY),
            let names = try? directory.names()
        else { return false }
        return names.contains { name in
            var buffer = [UInt8](repeating: 0, count: 64)
            let length = buffer.withUnsafeMutableBytes {
                readlinkat(
                    directory.number, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
            return length > 0 && sockets.contains(String(decoding: buffer[..<length], as: UTF8.self))
        }
    }
}
