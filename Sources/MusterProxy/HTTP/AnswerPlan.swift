internal import NIOCore

/// What a fault makes of an answer: its new head, and what becomes of its body.
struct AnswerPlan {
    var head: ByteBuffer
    var work: AnswerWork

    /// An answer of the proxy's own (RFC 9110, 15). It says that it is one (RFC 9209, 2.3.27), and gives no date, as
    /// the proxy's stages have no clock (RFC 9110, 6.6.1).
    init(own exchange: Exchange, _ fault: HTTPFault) {
        let status = fault.status ?? 503
        let body = fault.body ?? OwnBody("")
        let hasNone = Self.forbidsBody(status)
        var edit = HeadEdit(status: status)
        if !hasNone { edit.set("Content-Length", String(max(0, body.size + fault.lie))) }
        if !hasNone, body.size > 0 { edit.set("Content-Type", "text/plain; charset=utf-8") }
        edit.set("Proxy-Status", "muster-net; error=proxy_internal_response")
        let gone = Set((fault.answerEdit.removed + fault.answerEdit.set.map(\.name)).map { $0.lowercased() })
        edit.set.removeAll { gone.contains($0.name.lowercased()) }
        edit.set += fault.answerEdit.set
        let closes = !exchange.persists || fault.lie < 0
        if closes || exchange.isOld { edit.set("Connection", closes ? "close" : "keep-alive") }
        head = edit.answerHead()
        work = AnswerWork(rate: fault.rate)
        work.dies = closes || fault.lie != 0
        if !hasNone, exchange.asked != .head {
            work.own = body
            work.cut(fault.cut, of: body.size)
        }
    }

    /// A server's answer, changed.
    /// - Parameters:
    ///   - bytes: its head.
    ///   - body: as the server frames it.
    init(
        _ bytes: UnsafeRawBufferPointer, _ head: MessageHead, body: MessageReader.Body, to exchange: Exchange,
        _ fault: HTTPFault
    ) {
        var edit = fault.answerEdit
        edit.status = fault.status
        self.head = ByteBuffer()
        work = AnswerWork(rate: fault.rate)
        let status = fault.status ?? head.status
        if Self.forbidsBody(status) {
            work.drops = true
            if fault.status != nil, fault.status != head.status {
                edit.removed += status == 204 ? Self.framing + Self.coding : ["Transfer-Encoding"]
            }
        } else if let own = fault.body {
            work.drops = true
            edit.removed += Self.framing + Self.coding
            edit.set("Content-Length", String(max(0, own.size + fault.lie)))
            if exchange.asked != .head { work.own = own }
            if body == .untilClose { edit.set("Connection", "close") }
            work.cut(fault.cut, of: own.size)
        } else if Self.forbidsBody(head.status) {
            edit.set("Content-Length", "0")
        } else {
            pass(body, fault, &edit)
        }
        if fault.lie != 0, exchange.asked != .head, work.own != nil || work.chunkLie != 0 { work.dies = true }
        if exchange.asked == .head { (work.own, work.left, work.share, work.dies) = (nil, nil, nil, false) }
        if work.dies, fault.lie < 0 { edit.set("Connection", "close") }
        self.head = edit.apply(to: bytes)
    }

    /// The server's body passes, cut or lied about.
    private mutating func pass(_ body: MessageReader.Body, _ fault: HTTPFault, _ edit: inout HeadEdit) {
        switch body {
        case .none: break
        case .length(let length):
            work.cut(fault.cut, of: length)
            if fault.lie != 0 {
                edit.set("Content-Length", String(max(0, length + fault.lie)))
                work.dies = true
            }
        case .chunked:
            work.cut(fault.cut, of: nil)
            work.chunkLie = fault.lie
        case .untilClose: work.cut(fault.cut, of: nil)
        }
    }

    private static let framing = ["Content-Length", "Transfer-Encoding", "Trailer"]
    /// Fields that say of the body what a new one is not (RFC 9110, 8.4 and 14.4; RFC 9530).
    private static let coding = [
        "Content-Encoding", "Content-Range", "Content-MD5", "Content-Digest", "Repr-Digest",
    ]

    /// RFC 9110, 15.3.5 and 15.4.5.
    private static func forbidsBody(_ status: Int) -> Bool { status == 204 || status == 304 }
}

extension AnswerWork {
    /// - Parameter length: of the whole body, where it is known.
    mutating func cut(_ cut: HTTPFault.Cut?, of length: Int?) {
        switch (cut, length) {
        case (nil, _): break
        case (.bytes(let most)?, let length?): (left, isCut) = most < length ? (most, true) : (nil, false)
        case (.share(let share)?, let length?):
            let most = Int(Double(length) * share)
            (left, isCut) = most < length ? (most, true) : (nil, false)
        case (.bytes(let most)?, nil): left = most
        case (.share(let share)?, nil): self.share = share
        }
    }
}
