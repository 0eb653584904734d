import Foundation
import MusterDocuments
import MusterDrills
import MusterSystem

/// Ports, scratch and secrets of one run.
final class RunResources: @unchecked Sendable {
    private let lock = NSLock()
    private var ports: [String: Int] = [:]
    private var scratch: String?
    private let runID: String
    /// A plan shows that there is a secret and never needs its value.
    private let readsSecrets: Bool

    init(runID: String, readsSecrets: Bool) {
        self.runID = runID
        self.readsSecrets = readsSecrets
    }

    var usedScratch: String? { lock.withLock { scratch } }

    var resources: DrillResources {
        DrillResources(
            port: { [self] name in try lock.withLock { try port(name) } },
            scratch: { [self] in
                lock.withLock {
                    let path = "/var/tmp/muster-\(runID)"
                    scratch = path
                    return path
                }
            },
            environment: { [readsSecrets] in
                readsSecrets ? ProcessInfo.processInfo.environment[$0] : "***"
            },
            file: { [readsSecrets] path in
                guard readsSecrets else { return "***" }
                let text = try Files.text(path)
                return text.hasSuffix("\n") ? String(text.dropLast()) : text
            })
    }

    /// A port that is free now, and that no connection is given meanwhile: where there are such, from outside of those
    /// that the kernel draws from (ip(7), ip_local_port_range). It is not held until the fixture binds it: one that
    /// somebody else took is refused by the fixture itself, which says so in its log.
    private func port(_ name: String) throws -> Int {
        if let port = ports[name] { return port }
        let drawn = Self.portsOfConnections()
        var tries = (0..<200).lazy.map { _ in UInt16.random(in: 10_000...UInt16.max) }
            .filter { !drawn.contains($0) }.makeIterator()
        while true {
            let wanted = tries.next() ?? 0
            guard let port = Self.free(wanted) else {
                if wanted == 0 { throw Refusal(.refused, "no free port for '\(name)'", advice: "") }
                continue
            }
            if ports.values.contains(port) { continue }
            ports[name] = port
            return port
        }
    }

    private static func portsOfConnections() -> ClosedRange<UInt16> {
        let text = try? Files.text("/proc/sys/net/ipv4/ip_local_port_range")
        let bounds = (text ?? "").split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
        return bounds.count == 2 && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : 32_768...60_999
    }

    /// - Parameter wanted: 0 for any.
    /// - Returns: nil where it is not free on loopback.
    private static func free(_ wanted: UInt16) -> Int? {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
