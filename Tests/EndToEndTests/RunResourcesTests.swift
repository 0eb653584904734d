import Foundation
import MusterDocuments
import Testing

@testable import muster

@Suite struct RunResourcesTests {
    /// An outgoing connection may be given any port of the kernel's range between the moment at which a drill chose it and the one at
    /// which its fixture listens there.
    @Test func portsAreNoneThatAConnectionIsGiven() throws {
        let range = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        let drawn = try #require(range.count == 2 ? range[0]...range[1] : nil)
        // A kernel that draws from everything leaves nothing to choose from.
        guard drawn.lowerBound > 11_000 || drawn.upperBound < 64_000 else { return }
        let resources = RunResources(runID: "none", readsSecrets: false).resources
        let ports = try (0..<100).map { try resources.port("p\($0)") }
        #expect(Set(ports).count == 100 && ports.allSatisfy { (1024...65_535).contains($0) })
        #expect(ports.allSatisfy { !drawn.contains($0) }, "\(ports.filter(drawn.contains))")
        #expect(try resources.port("p7") == ports[7])
    }
}
