import Foundation
import Testing

@testable import MusterProxy

/// `GET /metrics`: values, not only names.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    @Test func countsWhatItMoves() async throws {
        let api = try await APIUnderTest(metrics: true)
        let server = try TestServer()
        let made = try await api.ask(
            "POST", "/proxies",
            #"{"name":"m\"x","listen":"127.0.0.1:0","upstream":"\#(server.address)","toxics":[{"type":"drop","attributes":{"framing":"line"},"stream":"upstream"}]}"#
        )
        let listen = String(try #require(made.body.firstMatch(of: /"listen":"([0-9.:]+)"/)).1)
        // Nothing has passed: no series, as with Toxiproxy's library.
        #expect(try await api.ask("GET", "/metrics").body.contains("toxiproxy_") == false)
        try await blocking {
            for _ in 0..<2 {
                let client = try Socket(connecting: listen)
                let behind = try server.accept()
                try client.send(Array("lost\nkept".utf8))
                client.finish()
                #expect(try behind.receiveAll() == Array("kept".utf8))
                try behind.send([UInt8](repeating: 1, count: 1000))
                behind.finish()
                #expect(try client.receiveAll().count == 1000)
            }
        }
        func wanted(_ name: String, _ stream: String, _ value: Int) -> String {
            "toxiproxy_proxy_\(name)_bytes_total{direction=\"\(stream)\",listener=\"\(listen)\","
                + "proxy=\"m\\\"x\",upstream=\"\(server.address)\"} \(value)"
        }
        let lines = [
            wanted("received", "downstream", 2000), wanted("received", "upstream", 18),
            wanted("sent", "downstream", 2000), wanted("sent", "upstream", 8),
        ]
        func found() async throws -> [String] {
            try await api.ask("GET", "/metrics").body.split(separator: "\n").map(String.init).filter {
                $0.hasPrefix("toxiproxy_")
            }
        }
        try await until("both are counted") { try await found() == lines }
        // Counters never go back, whatever becomes of the proxy.
        #expect(try await api.ask("DELETE", "/proxies/m%22x").status == 204)
        #expect(try await found() == lines)
        await api.stop()
    }

    @Test func countsTheProcess() async throws {
        let api = try await APIUnderTest(metrics: true)
        let body = try await api.ask("GET", "/metrics").body
        func value(_ name: String) throws -> Double {
            let line = try #require(body.split(separator: "\n").first { $0.hasPrefix("\(name) ") })
            return try #require(Double(line.split(separator: " ")[1]))
        }
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        // Other tests open and close some meanwhile.
        #expect(abs(try value("process_open_fds") - Double(descriptors)) < 2000)
        #expect(try value("process_open_fds") > 3)
        #expect(try value("process_open_fds") <= value("process_max_fds"))
        #expect(try value("process_resident_memory_bytes") > 1_000_000)
        #expect(try value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"))
        #expect(try value("process_cpu_seconds_total") > 0)
        let started = try value("process_start_time_seconds")
        #expect(
            started <= Date().timeIntervalSince1970 + 1 && started > Date().timeIntervalSince1970 - 86_400)
        await api.stop()
    }
}
