import CCurl
import Glibc
import MusterCore

/// The curl multi handle of one event loop: curl's sockets are watched by the loop's epoll set, curl's timer is
/// one of the loop's timers. Belongs to the loop's thread.
final class Transfers {
    private unowned let loop: EventLoop
    private var multi: UnsafeMutableRawPointer?
    private var ticket: TimerQueue.Ticket?
    private var handle: UnsafeMutableRawPointer {
        guard let multi else { preconditionFailure("used after it was closed") }
        return multi
    }

    init(loop: EventLoop) throws {
        self.loop = loop
        if let why = ccurl_load() { throw MeasuringError.library(String(cString: why)) }
        let user = Unmanaged.passUnretained(self).toOpaque()
        // A pool of connections smaller than what is in flight collapses the rate by more than half (STACK).
        let made = ccurl_multi_new(
            { _, socket, what, user, _ in Transfers.of(user).changed(socket, what) },
            { _, milliseconds, user in Transfers.of(user).setTimer(milliseconds) }, user,
            loop.inFlightLimit)
        guard let made else { throw MeasuringError.library("libcurl has no memory for its transfers") }
        multi = made
    }

    deinit {
        if multi != nil { ccurl_multi_free(handle) }
        multi = nil
    }

    func add(_ transfer: HTTPTransfer) { ccurl_multi_add(handle, transfer.easy) }

    func remove(_ transfer: HTTPTransfer) { ccurl_multi_remove(handle, transfer.easy) }

    /// Hands finished transfers to their owners.
    func collect() {
        guard multi != nil else { return }
        var result = CURLE_OK
        while let easy = ccurl_multi_finished(handle, &result) {
            guard let owner = ccurl_get_private(easy) else { continue }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(owner).takeUnretainedValue()
            ccurl_multi_remove(handle, easy)
            transfer.finish(result)
        }
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> Transfers {
        guard let user else { preconditionFailure("curl lost our pointer") }
        return Unmanaged<Transfers>.fromOpaque(user).takeUnretainedValue()
    }

    private func changed(_ socket: curl_socket_t, _ what: Int32) -> Int32 {
        guard what != CURL_POLL_REMOVE else {
            loop.unwatch(socket)
            return 0
        }
        var wanted: EventLoop.Readiness = []
        if what & CURL_POLL_IN != 0 { wanted.insert(.read) }
        if what & CURL_POLL_OUT != 0 { wanted.insert(.write) }
        loop.watch(socket, wanted) { [unowned self] ready in
            var events: Int32 = 0
            if ready.contains(.read) { events |= CURL_CSELECT_IN }
            if ready.contains(.write) { events |= CURL_CSELECT_OUT }
            if !ready.isDisjoint(with: .broken) { events |= CURL_CSELECT_ERR }
            _ = ccurl_multi_socket(handle, socket, events)
        }
        return 0
    }

    private func setTimer(_ milliseconds: Int) -> Int32 {
        if let ticket { loop.cancel(ticket) }
        ticket = nil
        guard milliseconds >= 0 else { return 0 }
        ticket = loop.at(monotonicNow() + .milliseconds(milliseconds)) { [unowned self] in
            ticket = nil
            // CURL_SOCKET_TIMEOUT is CURL_SOCKET_BAD, -1.
            _ = ccurl_multi_socket(handle, -1, 0)
        }
        return 0
    }
}
