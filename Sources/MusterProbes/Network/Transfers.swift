import CCurl
import Glibc
import MusterCore

/// The curl multi handle of one event loop: curl's sockets are watched by the loop's epoll set, curl's time to go on is
/// one of those that the loop waits for. Belongs to the loop's thread.
final class Transfers {
    // The loop closes this before it goes, and curl calls back while it does.
    private unowned(unsafe) let loop: EventLoop
    private var multi: UnsafeMutableRawPointer?
    /// When curl wants to go on by itself, in nanoseconds; `.max` when not.
    private(set) var due = Int64.max
    /// Those under way, which nobody else keeps.
    private var active: [HTTPTransfer] = []

    /// Nobody keeps a transfer for later any more; thousands may have hung.
    var isEnding = false

    init(loop: EventLoop) throws {
        self.loop = loop
        if let why = ccurl_load() { throw MeasuringError.library(String(cString: why)) }
        let user = Unmanaged.passUnretained(self).toOpaque()
        // A pool of connections smaller than what is in flight collapses the rate by more than half (STACK).
        let made = ccurl_multi_new(
            { easy, socket, what, user, _ in Transfers.of(user).changed(easy, socket, what) },
            { _, milliseconds, user in Transfers.of(user).setTimer(milliseconds) }, user,
            loop.inFlightLimit)
        guard let made else { throw MeasuringError.library("libcurl has no memory for its transfers") }
        multi = made
    }

    deinit { close() }

    /// Ends all transfers without a word, and closes all connections. Nothing can be sent afterwards.
    func close() {
        guard let multi else { return }
        for transfer in active {
            ccurl_multi_remove(multi, transfer.easy)
            transfer.done = nil
            transfer.patience = nil
        }
        active = []
        ccurl_multi_free(multi)
        self.multi = nil
        due = .max
    }

    /// - Returns: nil when there is no memory for it.
    func makeTransfer() -> HTTPTransfer? {
        guard let made = HTTPTransfer() else { return nil }
        ccurl_set_close(
            made.easy,
            { user, socket in
                Transfers.of(user).loop.unwatch(socket)
                return Glibc.close(socket)
            }, Unmanaged.passUnretained(self).toOpaque())
        return made
    }

    func add(_ transfer: HTTPTransfer) {
        guard let multi else { return }
        transfer.place = active.count
        active.append(transfer)
        ccurl_multi_add(multi, transfer.easy)
    }

    func remove(_ transfer: HTTPTransfer) {
        guard let multi, active.indices.contains(transfer.place), active[transfer.place] === transfer else {
            return
        }
        ccurl_multi_remove(multi, transfer.easy)
        let last = active.removeLast()
        guard last !== transfer else { return }
        active[transfer.place] = last
        last.place = transfer.place
    }

    /// Lets curl do what is due: begin what was added since, for instance.
    func proceed() {
        // What it puts off for no time at all is done at once, but others on the loop have their turn too.
        for _ in 0..<4 {
            guard let multi, due <= monotonicNow().nanoseconds else { return }
            due = .max
            // CURL_SOCKET_TIMEOUT is CURL_SOCKET_BAD, -1.
            _ = ccurl_multi_socket(multi, -1, 0)
        }
    }

    /// Hands finished transfers to their owners.
    func collect() {
        var result = CURLE_OK
        while let multi, let easy = ccurl_multi_finished(multi, &result) {
            guard let owner = ccurl_get_private(easy) else { continue }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(owner).takeUnretainedValue()
            remove(transfer)
            transfer.finish(result)
        }
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> Transfers {
        guard let user else { preconditionFailure("curl lost our pointer") }
        return Unmanaged<Transfers>.fromOpaque(user).takeUnretainedValue()
    }

    private func changed(_ easy: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ what: Int32) -> Int32 {
        guard what != CURL_POLL_REMOVE else {
            // A kept connection, which is used again soon, or one that is closed next.
            loop.rest(socket)
            return 0
        }
        let transfer = easy.flatMap { ccurl_get_private($0) }.map {
            Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue()
        }
        if let transfer { transfer.patience?.advance(sent: transfer.isServer(socket)) }
        var wanted: EventLoop.Readiness = []
        if what & CURL_POLL_IN != 0 { wanted.insert(.read) }
        if what & CURL_POLL_OUT != 0 { wanted.insert(.write) }
        loop.watch(socket, wanted) { [unowned self, weak transfer] ready in
            transfer?.patience?.advance(sent: false)
            var events: Int32 = 0
            if ready.contains(.read) { events |= CURL_CSELECT_IN }
            if ready.contains(.write) { events |= CURL_CSELECT_OUT }
            if !ready.isDisjoint(with: .broken) { events |= CURL_CSELECT_ERR }
            if let multi { _ = ccurl_multi_socket(multi, socket, events) }
        }
        return 0
    }

    private func setTimer(_ milliseconds: Int) -> Int32 {
        due = milliseconds < 0 ? .max : monotonicNow().nanoseconds + Int64(milliseconds) * 1_000_000
        return 0
    }
}
