import Glibc
import MusterSystem

/// Lines for people on standard error, dropped when nobody reads them: a guard must never wait for a reader.
enum Log {
    static func note(_ text: String) {
        var entry = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLOUT) != 0 else { return }
        let line = Array("muster-guard: \(text)\n".utf8.prefix(4000))
        _ = write(2, line, line.count)
    }
}

/// A line for people on standard output.
func say(_ text: String) { print(text) }
