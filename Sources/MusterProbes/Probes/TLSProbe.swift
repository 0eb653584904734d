import Glibc
public import MusterCore
public import MusterDrills

/// Shakes hands with a server that speaks TLS, and looks at its certificate.
public struct TLSProbe: Probe, Hashable {
    public var tls = ""
    public var name: String?
    public var ca: String?
    public var days = 1
    public init() {}

    public static let form = Form(
        "tls", "Shakes hands over TLS; good is a trusted certificate of the right name with days left.",
        example: "certificate: { tls: \"db1.example.org:6380\", days: 14, every: 10s, timeout: 5s }",
        blank: TLSProbe(),
        fields: [
            Field(
                required: "tls", \.tls, "Host and port.",
                in: { Endpoint($0) == nil ? "host:port, such as 127.0.0.1:443" : nil }),
            Field(
                "name", \.name,
                "The name that is asked for and that the certificate must have; else the host.",
                in: nameProblem),
            Field("ca", \.ca, authoritiesSentence, in: absolutePathProblem),
            Field(
                "days", \.days, default: 1,
                "For how many more whole days every certificate that the server sends must be valid.",
                in: { (0...36_500).contains($0) ? nil : "from 0 to 36500" }),
        ])

    private static func nameProblem(_ name: String) -> String? {
        Endpoint(name + ":1").map { "\($0.host):1" } == name + ":1" && !name.contains("/")
            && !name.contains("@")
            ? nil : "a name such as db1.example.org"
    }
}

extension TLSProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        guard let endpoint = Endpoint(tls) else {
            throw MeasuringError.configuration("tls: '\(tls)' is not host:port")
        }
        return TLSProber(self, endpoint, try HTTPChannel(loop: loop))
    }

    func judge(_ answer: HTTPAnswer, now: Int64) -> Finding {
        if answer.timedOut { return .timeout }
        if answer.failure != nil { return .error(answer.code) }
        guard let end = answer.certificateEnd else { return .error(SampleCode.certificateUnreadable) }
        let left = min(max(0, (end - now) / 86_400), 100_000)
        let code = SampleCode.certificateDays + Int32(left)
        return left >= days ? Finding(outcome: .ok, code: code) : .error(code)
    }
}

private final class TLSProber: Prober {
    private let probe: TLSProbe
    private let request: HTTPRequest
    private let channel: HTTPChannel

    init(_ probe: TLSProbe, _ endpoint: Endpoint, _ channel: HTTPChannel) {
        self.probe = probe
        self.channel = channel
        func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
        // The name in the URL is the one that is checked.
        let name = bracketed(probe.name ?? endpoint.host)
        var request = HTTPRequest(url: "https://\(name):\(endpoint.port)/")
        request.way.authorities = probe.ca
        request.way.connectsOnly = true
        if probe.name != nil { request.way.connectTo = "\(bracketed(endpoint.host)):\(endpoint.port)" }
        self.request = request
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        channel.send(request, patience) { [probe] in done(probe.judge($0, now: Int64(time(nil)))) }
    }
}

/// Seconds since 1970, from `Nov  7 06:53:00 2027 GMT` (OpenSSL) or `2027-11-07 06:53:00 GMT` (GnuTLS).
func certificateTime(_ text: String) -> Int64? {
    let words = text.split(separator: " ")
    guard words.last == "GMT" else { return nil }
    let date: [Int64?]
    let clock: Substring
    if words.count == 5 {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        date = [
            Int64(words[3]), months.firstIndex(of: String(words[0])).map { Int64($0) + 1 }, Int64(words[1]),
        ]
        clock = words[2]
    } else if words.count == 3 {
        date = words[0].split(separator: "-").map { Int64($0) }
        clock = words[1]
    } else {
        return nil
    }
    let time = clock.split(separator: ":").map { Int64($0.prefix { $0 != "." }) }
    guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], time.count == 3,
        let hours = time[0], let minutes = time[1], let seconds = time[2], (0...9999).contains(year),
        (1...12).contains(month), (1...31).contains(day), (0...23).contains(hours),
        (0...59).contains(minutes), (0...60).contains(seconds)
    else { return nil }
    let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds
}
