public import MusterCore
public import MusterDrills

/// Reads what Alertmanager and Prometheus say about alerts. What is not of the format is told from what is empty.
public enum AlertText {
    /// Alerts of one message that are looked at.
    static let most = 10_000

    /// A message: any JSON, and if it is one of Alertmanager's (version 4), its alerts.
    /// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    /// - Returns: nil when it is no JSON.
    public static func message(_ body: [UInt8]) -> (document: Value, alerts: [Alert])? {
        guard let document = try? JSONText.value(body) else { return nil }
        let all = document["alerts"]?.asList ?? []
        let alerts = all.prefix(most).compactMap { entry -> Alert? in
            guard let labels = labels(entry) else { return nil }
            let status: Alert.Status = entry["status"]?.asText == "resolved" ? .resolved : .firing
            return Alert(
                status, labels: labels, fingerprint: entry["fingerprint"]?.asText ?? "",
                startsAt: entry["startsAt"]?.asText.flatMap(instant))
        }
        return (document, alerts)
    }

    /// The answer of `/api/v1/alerts`: those that fire; pending ones have not alerted anybody.
    /// https://prometheus.io/docs/prometheus/latest/querying/api/#alerts
    /// - Returns: nil when it is no such answer.
    static func prometheus(_ body: [UInt8]) -> [Alert]? {
        guard let document = try? JSONText.value(body), document["status"] == .text("success"),
            let all = document["data"]?["alerts"]?.asList
        else { return nil }
        return all.compactMap { entry in
            guard entry["state"]?.asText == "firing", let labels = labels(entry) else { return nil }
            return Alert(
                .firing, labels: labels, startsAt: entry["activeAt"]?.asText.flatMap(instant))
        }
    }

    /// The answer of `/api/v2/alerts`: those that nobody silenced or inhibited.
    /// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    /// - Returns: nil when it is no such answer.
    static func alertmanager(_ body: [UInt8]) -> [Alert]? {
        guard let all = (try? JSONText.value(body))?.asList else { return nil }
        return all.compactMap { entry in
            guard entry["status"]?["state"]?.asText != "suppressed", let labels = labels(entry) else {
                return nil
            }
            return Alert(
                .firing, labels: labels, fingerprint: entry["fingerprint"]?.asText ?? "",
                startsAt: entry["startsAt"]?.asText.flatMap(instant))
        }
    }

    private static func labels(_ entry: Value) -> [String: String]? {
        entry["labels"]?.asMap?.compactMapValues(\.asText)
    }

    /// A moment as RFC 3339 writes it, in nanoseconds since 1970 UTC; nil when it is none, or one that no such number
    /// holds. Go's zero time is year 1: it means that there is none.
    static func instant(_ text: String) -> Int64? {
        guard
            let found = text.wholeMatch(
                of:
                    /(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))/
            ),
            let year = Int64(found.1), let month = Int64(found.2), let day = Int64(found.3),
            let hour = Int64(found.4), let minute = Int64(found.5), let second = Int64(found.6),
            (1700...2250).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        let digits = (found.7.map(String.init) ?? "").prefix(9)
        let fraction = Int64(digits + String(repeating: "0", count: 9 - digits.count)) ?? 0
        let offset = (Int64(found.9 ?? "0") ?? 0) * 60 + (Int64(found.10 ?? "0") ?? 0)
        let east = found.8 == "-" ? -offset : offset
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        let seconds = ((days * 24 + hour) * 60 + minute - east) * 60 + second
        return seconds * 1_000_000_000 + fraction
    }
}
