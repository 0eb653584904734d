internal import NIOCore

@testable internal import MusterProxy

/// Bodies and targets of the API: decoded, or refused; and what was decoded is decoded again from what is given back.
@Sendable func fuzzBodies(_ bytes: [UInt8]) {
    _ = Route(String(decoding: bytes, as: UTF8.self))
    _ = try? ProxyForm.create(bytes)
    _ = try? ProxyForm.update(bytes)
    _ = try? ToxicForm.create(bytes)
    guard let drafts = try? ProxyForm.populate(bytes) else { return }
    let records = drafts.map { draft in
        var record = ProxyRecord(name: ExactText(draft.name), listen: draft.listen, upstream: draft.upstream)
        record.enabled = draft.enabled
        record.toxics = draft.toxics.map { $0.record(at: .zero) }
        record.lifetime = draft.ttl.map { Lifetime($0, from: .zero) }
        return record
    }
    func written(_ records: [ProxyRecord]) -> [UInt8] {
        var writer = JSONWriter()
        writer.proxies(records.map { $0.view(at: .zero) })
        return writer.bytes
    }
    let answer = written(records)
    guard let again = try? ProxyForm.populate(answer) else {
        return require(false, "our own answer is understood: \(String(decoding: answer, as: UTF8.self))")
    }
    require(again.count == drafts.count, "as many proxies come back")
    for (one, other) in zip(drafts, again) {
        require(ExactText(one.name) == ExactText(other.name), "the name \(one.name)")
        require(ExactText(one.upstream) == ExactText(other.upstream), "the upstream \(one.upstream)")
        require(one.enabled == other.enabled && one.ttl == other.ttl, "enabled and ttl of \(one.name)")
        require(one.toxics.count == other.toxics.count, "the toxics of \(one.name)")
    }
}

/// Faults of HTTP: none (0), which must pass what comes as it came; and those that change it in each way there is.
private let faults: [AttributeValues] = [
    [:],
    ["status": .integer(503), "body": .text("no"), "percent": .number(50)],
    ["delay": .integer(5), "jitter": .integer(3), "delay_at": .text("request")],
    ["headers": .list(["X-A: b"]), "remove_headers": .list(["Server"]), "body_rate": .integer(1000)],
    ["request_headers": .list(["X-A: b"]), "remove_request_headers": .list(["A"])],
    ["truncate_bytes": .integer(3)], ["truncate_percent": .number(50), "ending": .text("reset")],
    ["wrong_length": .integer(-2)], ["abort": .flag(true), "linger": .integer(4)],
    ["from": .text("server"), "status": .integer(200), "body_size": .integer(5000)],
]

/// The first byte chooses the fault; then each says for whom so many of the next bytes are: the lowest bit the
/// direction, 254 lets time pass, 255 is the end of a direction, which the next byte names.
@Sendable func fuzzHTTP(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let values = faults[Int(first) % faults.count]
    guard var talk = try? FilterTalk(values) else {
        return require(false, "the fault \(values) can be made")
    }
    var rest = bytes.dropFirst()
    while let control = rest.popFirst() {
        switch control {
        case 254: talk.wait()
        case 255: talk.finish((rest.popFirst() ?? 0) & 1 == 0 ? .upstream : .downstream)
        default:
            let part = rest.prefix(Int(control >> 1))
            rest = rest.dropFirst(part.count)
            talk.feed(Array(part), control & 1 == 0 ? .upstream : .downstream)
        }
    }
    for stream in Stream.allCases { talk.finish(stream) }
    talk.runOut()
    if values.isEmpty { talk.requireUntouched() }
}

/// The first message of TLS: however it is cut, it is read alike.
@Sendable func fuzzHello(_ bytes: [UInt8]) {
    let whole = ClientHello.read(ByteBuffer(bytes: bytes))
    let step = max(1, bytes.count / 50)
    for end in stride(from: 0, to: bytes.count, by: step) {
        let part = ClientHello.read(ByteBuffer(bytes: bytes[..<end]))
        let isSame =
            switch (part, whole) {
            // In words that may tell of fewer bytes.
            case (.none, .none), (.incomplete, _): true
            default: part == whole
            }
        require(isSame, "the first \(end) bytes: \(part), all: \(whole)")
    }
}

/// Messages that are cut out of a stream: none of their bytes is lost.
@Sendable func fuzzMessages(_ bytes: [UInt8]) {
    guard let first = bytes.first, !Framing.allCases.isEmpty else { return }
    let framing = Framing.allCases[Int(first & 3) % Framing.allCases.count]
    guard
        let drop = try? Drop(["framing": .text(framing.rawValue), "rate": .number(0)]),
        var stage = drop.stage(LinkRandom(seed: 1))
    else { return require(false, "the toxic can be made") }
    var out: [UInt8] = []
    func drain() {
        while case .chunk(let chunk) = stage.next(at: .uptimeNanoseconds(2)) {
            out += chunk.bytes.readableBytesView
        }
    }
    let size = 1 + Int(first >> 2)
    var rest = bytes.dropFirst()
    while !rest.isEmpty {
        stage.receive(Chunk(ByteBuffer(bytes: rest.prefix(size)), at: .uptimeNanoseconds(1)))
        rest = rest.dropFirst(size)
        drain()
    }
    stage.finish()
    drain()
    require(out == Array(bytes.dropFirst()), "every byte arrives")
}
