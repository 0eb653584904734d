internal import Glibc

/// `GET /metrics`: Toxiproxy's counters and what is known of the process, in Prometheus' text form
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
public struct MetricsPage: Sendable {
    private let showsProxies: Bool
    private let showsProcess: Bool
    private let version: String

    /// - Parameters:
    ///   - proxies: `-proxy-metrics`.
    ///   - process: `-runtime-metrics`. Of Toxiproxy's, those of the process; those of Go's runtime mean nothing here.
    public init(proxies: Bool, process: Bool, version: String) {
        showsProxies = proxies
        showsProcess = process
        self.version = version
    }

    func answer(_ registry: ProxyRegistry) async -> Answer {
        var text = ""
        if showsProcess { Self.process(&text, version) }
        if showsProxies { Self.proxies(&text, await registry.traffic()) }
        return Answer(
            status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: Array(text.utf8))
    }

    private static func proxies(_ text: inout String, _ traffic: [TrafficLedger.Key: Traffic]) {
        let lines = traffic.map { key, traffic in
            let labels = [
                ("direction", key.stream.rawValue), ("listener", key.listener), ("proxy", key.proxy.text),
                ("upstream", key.upstream),
            ].map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            return (labels: labels, traffic: traffic)
        }.sorted { $0.labels < $1.labels }
        func counter(_ name: String, _ help: String, _ value: (Traffic) -> UInt64) {
            // Go's library does not show a counter that has no value yet.
            guard !lines.isEmpty else { return }
            text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n"
            for line in lines { text += "\(name){\(line.labels)} \(value(line.traffic))\n" }
        }
        counter(
            "toxiproxy_proxy_received_bytes_total",
            "Bytes read from the sender, on connections that are closed."
        ) { $0.received }
        counter(
            "toxiproxy_proxy_sent_bytes_total",
            "Bytes written to the receiver, on connections that are closed."
        ) { $0.sent }
    }

    private static func escaped(_ label: String) -> String {
        label.map { character in
            switch character {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(character)
            }
        }.joined()
    }

    private static func process(_ text: inout String, _ version: String) {
        func show(_ name: String, _ type: String, _ help: String, _ value: String?) {
            guard let value else { return }
            let metric = String(name.prefix { $0 != "{" })
            text += "# HELP \(metric) \(help)\n# TYPE \(metric) \(type)\n\(name) \(value)\n"
        }
        show(
            "muster_build_info{version=\"\(escaped(version))\"}", "gauge", "The program's version.", "1")
        let process = ProcessFigures.read()
        show(
            "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
            process.processorSeconds.map { "\($0)" })
        show(
            "process_max_fds", "gauge", "Maximum number of open file descriptors.",
            process.mostDescriptors.map { "\($0)" })
        show(
            "process_open_fds", "gauge", "Number of open file descriptors.",
            process.openDescriptors.map { "\($0)" })
        show(
            "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
            process.residentBytes.map { "\($0)" })
        show(
            "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
            process.started.map { "\($0)" })
        show(
            "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
            process.virtualBytes.map { "\($0)" })
    }
}
