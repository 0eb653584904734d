import Glibc
import MusterProxy

/// As Muster's table of exit codes has them (docs/EXIT_CODES.md).
enum Ending: Int32 {
    case usage = 2
    case refused = 7
}

/// What is told while the proxy works.
let log = LogQueue(STDERR_FILENO)

/// On standard error, before the program goes on.
func note(_ text: String) { say(text, to: STDERR_FILENO) }

/// One line, in one piece, at once.
func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
    let bytes = Array("\(text)\n".utf8)
    // A reader that has gone away must not end the proxy.
    _ = write(descriptor, bytes, bytes.count)
}

/// Levels of `LOG_LEVEL`, as Toxiproxy has them.
enum LogLevel: Int, Comparable {
    case trace, debug, info, warn, error, fatal, panic, disabled

    init?(_ word: String) {
        switch word.lowercased() {
        case "trace": self = .trace
        case "debug": self = .debug
        case "": self = .info
        case "info": self = .info
        case "warn": self = .warn
        case "error": self = .error
        case "fatal": self = .fatal
        case "panic": self = .panic
        case "disabled": self = .disabled
        default: return nil
        }
    }

    static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}

/// Tells on standard error what is done to proxies and toxics, and hands it on.
struct TellingSink: RegistryEventSink {
    let hub: EventHub
    let level: LogLevel

    func happened(_ event: RegistryEvent) {
        hub.happened(event)
        guard level <= .info else { return }
        switch event {
        case .proxy(let change, let name, let listen, let upstream, let enabled):
            let place = enabled ? "\(listen) to \(upstream)" : "disabled"
            log.add("muster-net: proxy '\(name)' \(change.rawValue) (\(place))")
        case .toxic(let change, let name, let type, let stream, let proxy):
            log.add(
                "muster-net: toxic '\(name)' (\(type), \(stream.rawValue)) of '\(proxy)' \(change.rawValue)")
        }
    }
}
