public import MusterCore

/// The text of the nft table (nft(8)) that cuts a target off. One command, so that the kernel takes all of
/// it or nothing; its sets expire, so that the kernel lifts the partition when nobody else does.
struct PartitionTable {
    var name: String
    var match: String
    var peers: [String]
    var ports: [Int]
    var direction: Direction
    var expires: Duration

    var text: String {
        var lines = ["add table inet \(name) {"]
        if !peers4.isEmpty { lines.append(set("peers4", "ipv4_addr", peers4)) }
        if !peers6.isEmpty { lines.append(set("peers6", "ipv6_addr", peers6)) }
        if direction != .outbound { lines.append(chain("input", "saddr", loopback: "iifname")) }
        if direction != .inbound { lines.append(chain("output", "daddr", loopback: "oifname")) }
        return (lines + ["}"]).joined(separator: "\n")
    }

    // An interval that covers everything at once is refused by some versions; two halves are not.
    private var peers4: [String] {
        peers.isEmpty ? ["0.0.0.0/1", "128.0.0.0/1"] : peers.filter { !$0.contains(":") }
    }
    private var peers6: [String] { peers.isEmpty ? ["::/1", "8000::/1"] : peers.filter { $0.contains(":") } }

    private func set(_ name: String, _ type: String, _ elements: [String]) -> String {
        let seconds = max(1, (expires.nanoseconds + 999_999_999) / 1_000_000_000)
        let list = elements.map { "\($0) timeout \(seconds)s" }.joined(separator: ", ")
        return " set \(name) { type \(type); flags interval, timeout; elements = { \(list) } }"
    }

    private func chain(_ hook: String, _ address: String, loopback: String) -> String {
        var rules: [String] = []
        // "Everything" means everybody else: a service may go on talking to itself.
        if peers.isEmpty { rules.append("\(loopback) \"lo\" accept") }
        for (family, set, used) in [("ip", "peers4", peers4), ("ip6", "peers6", peers6)] where !used.isEmpty {
            let peer = "\(match)\(family) \(address) @\(set)"
            guard !ports.isEmpty else {
                rules.append("\(peer) counter drop")
                continue
            }
            let list = ports.map(String.init).joined(separator: ", ")
            for side in ["sport", "dport"] {
                rules.append("\(peer) meta l4proto { tcp, udp } th \(side) { \(list) } counter drop")
            }
        }
        let body = rules.map { "  \($0)\n" }.joined()
        return " chain \(hook) {\n  type filter hook \(hook) priority -5; policy accept;\n\(body) }"
    }
}

/// Which way packets are dropped.
public enum Direction: String, FormWord {
    case inbound = "in"
    case outbound = "out"
    case both
}
