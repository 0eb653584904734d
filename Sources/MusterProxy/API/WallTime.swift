internal import Glibc

/// The time of day in the two forms in which it is told, in UTC.
struct WallTime {
    private var seconds: Int
    private var nanoseconds: Int

    init(seconds: Int, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    private var parts: tm {
        var parts = tm()
        var seconds = seconds
        gmtime_r(&seconds, &parts)
        return parts
    }

    /// `2026-11-27T10:00:00.000000Z`, with microseconds.
    var rfc3339: String {
        let parts = parts
        return
            "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(parts.tm_mday, 2))T"
            + "\(clock(parts)).\(padded(nanoseconds / 1000, 6))Z"
    }

    /// `Fri, 27 Nov 2026 10:00:00 GMT`, as in HTTP (RFC 9110, 5.6.7).
    var http: String {
        let parts = parts
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(days[Int(parts.tm_wday)]), \(padded(parts.tm_mday, 2)) \(months[Int(parts.tm_mon)]) "
            + "\(Int(parts.tm_year) + 1900) \(clock(parts)) GMT"
    }

    private func clock(_ parts: tm) -> String {
        [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded($0, 2) }.joined(separator: ":")
    }

    private func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
