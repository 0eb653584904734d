public import MusterCore

/// Where a drill hears of alerts: a webhook of Muster's own, or an API that it asks again and again.
public struct AlertSource: Formed, Hashable {
    public var name = ""
    /// Where the receiver listens.
    public var webhook: String?
    public var token: String?
    public var tokenFile: String?
    public var beyondLoopback = false
    /// The URLs under which `/api/v1/alerts` and `/api/v2/alerts` stand.
    public var prometheus: String?
    public var alertmanager: String?
    public var every = Duration.seconds(1)
    public var timeout = Duration.seconds(5)
    public var headers: [String: String] = [:]
    public var ca: String?
    public var insecure = false
    public init() {}

    public var isPolled: Bool { webhook == nil }

    /// For people: how it is listened to.
    public var inWords: String {
        if let webhook { return "messages to \(webhook)" }
        return "\(prometheus ?? alertmanager ?? "") asked every \(every.forPeople)"
    }

    /// In a token, what a header and a path can carry unescaped (RFC 6750, 2.1).
    public static func tokenProblem(_ token: String) -> String? {
        let isPlain = token.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                    || "-._~+=".unicodeScalars.contains($0))
        }
        // `***` is what a plan reads in place of every secret.
        return token == "***" || isPlain && (12...256).contains(token.utf8.count)
            ? nil : "a token of 12 to 256 letters, digits, '-', '.', '_', '~', '+' and '='"
    }

    private static let kinds = ["webhook", "prometheus", "alertmanager"]

    public static let form = Form(
        "alert source", "Where alerts are heard of: one of webhook, prometheus and alertmanager.",
        example: "pager: { webhook: \"127.0.0.1:${port:alerts}\", token: \"${env:ALERT_TOKEN}\" }",
        blank: AlertSource(), fields: listening + asking, check: { try $0.check() })

    private static let listening: [Field<AlertSource>] = [
        Field(
            "webhook", \.webhook,
            "Where Muster listens for messages: Alertmanager's (version 4), or any JSON.",
            in: { $0.hasPrefix("unix:") ? "ADDRESS:PORT" : StreamAddress.listenProblem($0) }),
        Field(
            "token", \.token, "What every message must carry, as bearer or at the end of its path.",
            in: tokenProblem),
        Field(
            "tokenFile", \.tokenFile,
            "Instead of token: Muster draws one, and writes it to this file in ${scratch} before anything starts.",
            in: { $0.hasPrefix("/") && !$0.hasSuffix("/") ? nil : "a path in ${scratch}" }),
        Field(
            "beyondLoopback", \.beyondLoopback, default: false,
            "true: the webhook may listen where other machines reach it."),
    ]

    private static let asking: [Field<AlertSource>] = [
        Field(
            "prometheus", \.prometheus, "The URL under which /api/v1/alerts stands, without a password.",
            in: urlProblem),
        Field(
            "alertmanager", \.alertmanager,
            "The URL under which /api/v2/alerts stands, without a password; silenced and inhibited alerts do not count.",
            in: urlProblem),
        Field(
            "every", \.every, default: .seconds(1), "How often it is asked: the bounds are as far apart.",
            in: { $0 >= .milliseconds(50) && $0 <= .seconds(300) ? nil : "from 50ms to 5m" }),
        Field(
            "timeout", \.timeout, default: .seconds(5), "When an answer no longer counts.",
            in: { $0 >= .milliseconds(10) && $0 <= .seconds(60) ? nil : "from 10ms to 1m" }),
        Field("headers", \.headers, default: [:], "Headers to send.", in: headersProblem),
        Field("ca", \.ca, authoritiesSentence, in: absolutePathProblem),
        Field("insecure", \.insecure, default: false, "Takes any certificate: what answers may be anybody."),
    ]

    private static func urlProblem(_ url: String) -> String? {
        httpProblem(url) ?? (url.contains("?") ? "a URL without a query: a token belongs into headers" : nil)
    }

    private func check() throws {
        let given = [webhook, prometheus, alertmanager].count { $0 != nil }
        guard given == 1 else {
            throw FormProblem(
                given == 0 ? "nothing says where alerts come from" : "several sources in one", at: nil,
                expected: "one of " + Self.kinds.joined(separator: ", "))
        }
        guard let webhook else {
            for (key, isGiven) in [("token", token != nil), ("tokenFile", tokenFile != nil)] where isGiven {
                throw FormProblem("only a webhook has a '\(key)'", at: nil, path: key, expected: "headers")
            }
            return
        }
        guard (token == nil) != (tokenFile == nil) else {
            throw FormProblem(
                token == nil ? "anybody could send alerts to it" : "a token, and a file for another one",
                at: nil, path: "webhook",
                expected:
                    "token: \"${env:NAME}\" or \"${file:PATH}\", or tokenFile: \"${scratch}/alert-token\"")
        }
        let isLoopback = webhook.hasPrefix("127.") || webhook.hasPrefix("[::1]")
        if !isLoopback, !beyondLoopback {
            throw FormProblem(
                "\(webhook) can be reached by other machines", at: nil, path: "webhook",
                expected: "an address of loopback, such as 127.0.0.1, or beyondLoopback: true")
        }
    }
}

/// An alert that is to fire because of the fault.
public struct ExpectedAlert: Formed, Hashable {
    public var name = ""
    public var source = ""
    public var labels: [String: TextPattern] = [:]
    public var json: [String: TextPattern] = [:]
    public var resolved: [String: TextPattern] = [:]
    public init() {}

    public static let form = Form(
        "alert", "An alert that is to fire because of the fault.",
        example: "down: { from: pager, labels: { alertname: ServiceDown, instance: \"kv-*\" } }",
        blank: ExpectedAlert(),
        fields: [
            Field(required: "from", \.source, "A name under alertSources."),
            Field(
                "labels", \.labels, default: [:],
                "Labels that it has, all of them; * stands for anything."),
            Field(
                "json", \.json, default: [:],
                "Instead of labels: what any message in JSON holds, by pointer (RFC 6901); * stands for anything.",
                in: pointersProblem),
            Field(
                "resolved", \.resolved, default: [:],
                "With json: what it holds instead once the alert is over, such as { /state: ok }.",
                in: pointersProblem),
        ],
        check: { alert in
            if alert.labels.isEmpty == alert.json.isEmpty {
                throw FormProblem(
                    alert.labels.isEmpty
                        ? "every alert would be taken for it" : "two ways to tell it from others",
                    at: nil, path: "from",
                    expected: "labels: { alertname: NAME }, or json: { /pointer: value }")
            }
            if !alert.labels.isEmpty, !alert.resolved.isEmpty {
                throw FormProblem(
                    "an alert with labels says itself that it is over", at: nil, path: "resolved",
                    expected: "resolved: only with json:")
            }
        })

    /// Whether it is this alert, of the same source.
    public func matches(_ alert: Alert) -> Bool {
        !labels.isEmpty
            && labels.allSatisfy { key, pattern in
                // As in Prometheus, a label that is empty is one that is not there.
                alert.labels[key].map(pattern.matches) ?? pattern.text.isEmpty
            }
    }

    /// What a message says about it; nil when it is about something else.
    public func status(in document: Value) -> Alert.Status? {
        guard !json.isEmpty else { return nil }
        let holds = { (wanted: [String: TextPattern]) in
            wanted.allSatisfy { pointer, pattern in
                JSONPointer(pointer)?.find(in: document).map { pattern.matches($0.plainText) } ?? false
            }
        }
        // The end is told by what differs from the beginning; everything else is as before.
        let over = json.merging(resolved) { $1 }
        if !resolved.isEmpty, holds(over) { return .resolved }
        return holds(json) ? .firing : nil
    }
}

extension Value {
    /// As a person would write it into a drill.
    fileprivate var plainText: String { asText ?? canonicalJSON }
}
