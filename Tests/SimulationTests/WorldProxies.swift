import Foundation
import MusterCore

/// A program that runs fault proxies, as its interface and the clients of its proxies see it.
struct ProxyProgram {
    struct Toxic {
        var type: String
        var attributes: Value
        /// When it is lifted by the proxy itself; nil: never.
        var ends: Int64?
    }

    struct Proxy {
        var listen: StreamAddress
        var upstream: StreamAddress
        var isEnabled = true
        var toxics: [String: Toxic] = [:]
    }

    var proxies: [String: Proxy]
    /// A plain Toxiproxy: it knows no deadlines, and nothing that is Muster's.
    var isPlain = false
    /// The process; nil: one that never ends.
    var pid: Int32?
    /// Requests that lie in its sockets: carried out before any later one.
    var arrived: [APIRequest] = []

    func lines(at now: Int64) -> [String] {
        proxies.map { name, proxy in
            "proxy \(name) \(proxy.isEnabled) \(proxy.working(at: now).map(\.type).sorted())"
        }
    }

    mutating func carryOutArrived(at now: Int64) {
        let requests = arrived
        arrived = []
        for request in requests { _ = answer(request.method.rawValue, request.path, request.body, at: now) }
    }

    /// The part of Toxiproxy's interface that faults use.
    mutating func answer(_ method: String, _ path: String, _ body: Value?, at now: Int64) -> APIAnswer {
        for name in proxies.keys { proxies[name]?.lift(at: now) }
        let parts = path.split(separator: "/").map(String.init)
        switch (method, path, isPlain) {
        case ("GET", "/muster", false):
            return APIAnswer(status: 200, body: ["compatible_with": "toxiproxy 2.12.0"])
        case ("GET", "/ca.pem", false):
            return APIAnswer(status: 200, body: .text(WorldCertificates.authority))
        default: break
        }
        guard parts.first == "proxies", parts.count >= 2, var proxy = proxies[parts[1]] else {
            return Self.error(404, "proxy not found")
        }
        defer { proxies[parts[1]] = proxy }
        switch (method, parts.count) {
        case ("GET", 2): return APIAnswer(status: 200, body: proxy.value)
        case ("POST", 2):
            proxy.isEnabled = body?["enabled"]?.asBool ?? proxy.isEnabled
            return APIAnswer(status: 200, body: proxy.value)
        case ("POST", 3):
            guard let name = body?["name"]?.asText, let type = body?["type"]?.asText else {
                return Self.error(400, "missing required field: name")
            }
            guard proxy.toxics[name] == nil else { return Self.error(409, "toxic already exists") }
            let ends = isPlain ? nil : body?["ttl"]?.asInt.map { now + $0 * 1_000_000 }
            proxy.toxics[name] = Toxic(type: type, attributes: body?["attributes"] ?? [:], ends: ends)
            return APIAnswer(status: 200, body: body ?? .null)
        case ("GET", 4):
            guard let toxic = proxy.toxics[parts[3]] else { return Self.error(404, "toxic not found") }
            return APIAnswer(status: 200, body: ["type": .text(toxic.type)])
        case ("DELETE", 4):
            guard proxy.toxics.removeValue(forKey: parts[3]) != nil else {
                return Self.error(404, "toxic not found")
            }
            return APIAnswer(status: 204, body: .null)
        default: return Self.error(405, "")
        }
    }

    private static func error(_ status: Int, _ text: String) -> APIAnswer {
        APIAnswer(status: status, body: ["error": .text(text), "status": .int(Int64(status))])
    }
}

extension ProxyProgram.Proxy {
    var value: Value {
        [
            "listen": .text(listen.text), "upstream": .text(upstream.text), "enabled": .bool(isEnabled),
        ]
    }

    func working(at now: Int64) -> [ProxyProgram.Toxic] {
        toxics.values.filter { $0.ends.map { $0 > now } ?? true }
    }

    mutating func lift(at now: Int64) { toxics = toxics.filter { $0.value.ends.map { $0 > now } ?? true } }
}

extension World {
    /// What lies in the sockets of proxies is carried out.
    func letProxiesAct() {
        for api in programs.keys { programs[api]?.carryOutArrived(at: moment) }
    }

    /// Brings a proxy up that reads its configuration, as a supervisor does.
    func startProxy(of id: InjectionID, _ pid: Int32) {
        guard let bytes = nodes[site.proxyConfiguration(of: id)]?.bytes,
            let list = try? JSONDecoder().decode([Value].self, from: Data(bytes))
        else { return }
        var proxies: [String: ProxyProgram.Proxy] = [:]
        for value in list {
            guard let name = value["name"]?.asText,
                let listen = value["listen"]?.asText.flatMap({ StreamAddress($0) }),
                let upstream = value["upstream"]?.asText.flatMap({ StreamAddress($0) })
            else { continue }
            proxies[name] = ProxyProgram.Proxy(listen: listen, upstream: upstream)
        }
        let socket = site.proxySocket(of: id)
        nodes[socket] = Node(kind: .other)
        programs[.unix(socket)] = ProxyProgram(proxies: proxies, pid: pid)
    }

    func fetch(_ path: String, from api: StreamAddress, deadline: Duration) throws -> APIAnswer {
        try alive()
        return try ask("GET", path, nil, api)
    }

    func send(_ request: APIRequest, to api: StreamAddress, deadline: Duration) throws -> APIAnswer {
        try effect(
            "\(request.method) \(request.path)", half: { programs[api]?.arrived.append(request) },
            done: { try ask(request.method.rawValue, request.path, request.body, api) })
    }

    private func ask(_ method: String, _ path: String, _ body: Value?, _ api: StreamAddress) throws
        -> APIAnswer
    {
        guard programs[api] != nil else { throw HostError(.notFound, "\(method) \(path)", "refused") }
        programs[api]?.carryOutArrived(at: moment)
        return programs[api]?.answer(method, path, body, at: moment) ?? APIAnswer(status: 500, body: .null)
    }

    func visit(_ visit: Visit, atOnce count: Int) -> [Sighting] {
        var seen: [Sighting] = []
        for index in 0..<count {
            seen.append(see(visit, connection: index))
            if seen.last?.ending != .answered { break }
        }
        return seen
    }

    private func see(_ visit: Visit, connection: Int) -> Sighting {
        var sighting = Sighting(.refused)
        var toxics: [ProxyProgram.Toxic] = []
        var address = visit.address
        if let namespace = visit.namespace, let other = led(address, from: namespace) { address = other }
        if !servers.contains(address) {
            let proxy = programs.values.flatMap(\.proxies.values).first {
                $0.listen == address && $0.isEnabled
            }
            guard let proxy, servers.contains(proxy.upstream) else { return sighting }
            toxics = proxy.working(at: moment)
        }
        var answer = pong
        if visit.says.starts(with: Array("*2".utf8)) { answer = Array(visit.says.dropFirst(14)) }
        if visit.says.first == 22 { answer = WorldCertificates.greeting(.own) }
        if visit.says.starts(with: Array("HEAD".utf8)) { answer = Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }
        sighting = Sighting(
            visit.closesFirst ? .closed : .answered, connected: .microseconds(1), first: .microseconds(2),
            ended: .microseconds(3), pieces: 1, bytes: answer)
        for toxic in toxics { toxic.work(on: &sighting, connection: connection) }
        if sighting.ended > visit.deadline {
            sighting.ending = .silent
            sighting.ended = visit.deadline
            sighting.first = nil
            sighting.bytes = []
        }
        return sighting
    }

    private var pong: [UInt8] { Array("+PONG\r\n".utf8) }
}

extension ProxyProgram.Toxic {
    /// What a client sees of it.
    fileprivate func work(on sighting: inout Sighting, connection: Int) {
        func number(_ name: String) -> Int64 { attributes[name]?.asInt ?? 0 }
        switch type {
        case "latency": sighting.ended += .milliseconds(number("latency"))
        case "connect_delay", "slow_close": sighting.ended += .milliseconds(number("delay"))
        case "bandwidth":
            sighting.ended += .nanoseconds(Int64(sighting.bytes.count) * 1_000_000 / number("rate"))
        case "slicer": sighting.pieces = sighting.bytes.count / Int(number("average_size"))
        case "timeout", "stall":
            sighting.bytes = []
            sighting.ended += .seconds(3600)
        case "reset_peer":
            sighting.ending = .reset
            sighting.bytes = []
            sighting.ended += .milliseconds(number("timeout"))
        case "connect_refuse": sighting.ending = .reset
        case "limit_data":
            sighting.ending = .closed
            sighting.bytes = Array(sighting.bytes.prefix(Int(number("bytes"))))
        case "connection_limit" where connection >= number("connections"): sighting.ending = .reset
        case "http_fault":
            if attributes["status"] != nil {
                sighting.bytes = Array("HTTP/1.1 \(number("status")) No\r\n\r\n".utf8)
            }
            sighting.first = sighting.first.map { $0 + .milliseconds(number("delay")) }
            sighting.ended += .milliseconds(number("delay"))
        case "corrupt": sighting.bytes[0] ^= 1
        case "tls_fault": handshake(attributes["fault"]?.asText ?? "", on: &sighting)
        default: break
        }
    }

    private func handshake(_ fault: String, on sighting: inout Sighting) {
        switch fault {
        case "handshake_stall":
            sighting.bytes = []
            sighting.ended += .seconds(3600)
        case "abrupt_close":
            sighting.ending = attributes["ending"] == "reset" ? .reset : .closed
            sighting.bytes = []
        default: sighting.bytes = WorldCertificates.greeting(WorldCertificates.Kind(rawValue: fault) ?? .good)
        }
    }
}
