import Dispatch
import Foundation
import MusterCore

/// Ctrl-C, SIGTERM and a closing terminal ask for an abort; a second one says that the revert goes
/// on, or ends a read-back.
///
/// Uses dispatch sources with the signals ignored: with libdispatch in the process, blocked signals alone are
/// delivered all the same.
final class SignalWatch: @unchecked Sendable {
    private var sources: [any DispatchSourceSignal] = []

    init(_ report: @escaping @Sendable (_ reason: String) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        for (number, reason) in [
            (SIGINT, "Ctrl-C, or muster abort"), (SIGTERM, "SIGTERM"),
            (SIGHUP, "the terminal closed (SIGHUP)"),
        ] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { report(reason) }
            source.resume()
            sources.append(source)
        }
    }
}
