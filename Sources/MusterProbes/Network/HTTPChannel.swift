import CCurl
import MusterCore

/// Easy handles for one probe or one writer, kept and used again: setting one up costs more than sending.
final class HTTPChannel {
    private let loop: EventLoop
    private let transfers: Transfers
    private var idle: [HTTPTransfer] = []

    init(loop: EventLoop) throws {
        self.loop = loop
        transfers = try loop.httpTransfers()
    }

    func send(_ request: HTTPRequest, timeout: Duration, done: @escaping (HTTPAnswer) -> Void) {
        send(request, Patience(timeout, on: loop), done: done)
    }

    /// Sends once and calls `done` once, on the loop's thread, at the latest when the patience ends.
    func send(_ request: HTTPRequest, _ patience: Patience, done: @escaping (HTTPAnswer) -> Void) {
        let transfer = idle.popLast() ?? transfers.makeTransfer()
        guard let transfer else {
            done(HTTPAnswer(status: 0, headers: [], body: [], failure: .nothingSent, code: 12))
            return
        }
        transfer.prepare(request)
        // Not curl's own timeout, which it looks at before it looks whether an answer is there.
        patience.begin { [transfers] end in
            transfers.remove(transfer)
            transfer.finish(CURLE_OPERATION_TIMEDOUT, end)
        }
        transfer.patience = patience
        transfer.done = { [self, unowned transfer] answer in
            patience.cancel()
            transfer.patience = nil
            if !transfer.isSpent, !transfers.isEnding { idle.append(transfer) }
            done(answer)
        }
        transfers.add(transfer)
    }
}
