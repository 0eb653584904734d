import MusterCore

/// Numbers as the proxy's interface wants them.
enum ToxicNumbers {
    static func milliseconds(_ duration: Duration) -> Value { .int(duration.nanoseconds / 1_000_000) }

    /// - Returns: what would be right, when it is not.
    static func wholeMilliseconds(_ duration: Duration, atLeast least: Int64) -> String? {
        let isWhole = duration.nanoseconds % 1_000_000 == 0
        return isWhole && duration >= .milliseconds(least) && duration <= .seconds(86_400)
            ? nil : "\(least == 0 ? "0s" : "\(least)ms") to 24h, in whole milliseconds"
    }
}
