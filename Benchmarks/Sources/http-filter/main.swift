import MusterProxy
import NIOCore

// What an http_fault that strikes nothing costs, without sockets: nanoseconds an exchange of small messages, and
// megabytes a second of bodies in chunks of 64 KiB; and what the watch costs that every connection has.

func nanoseconds(_ body: () -> Void) -> Double {
    let began = ContinuousClock.now
    body()
    let taken = (ContinuousClock.now - began).components
    return Double(taken.seconds) * 1e9 + Double(taken.attoseconds) / 1e9
}

let request = ByteBuffer(
    string: "GET /api/orders/17?full=1 HTTP/1.1\r\nHost: service.example:8080\r\nUser-Agent: curl/7.88.1\r\n"
        + "Accept: application/json\r\nAccept-Encoding: gzip\r\nX-Request-Id: 0b1c9a52\r\nConnection: keep-alive\r\n\r\n"
)
let answer = ByteBuffer(
    string: "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        + "Content-Type: application/json\r\nContent-Length: 16\r\nConnection: keep-alive\r\n\r\n{\"id\":17,\"a\":10}"
)
let piece = ByteBuffer(repeating: 120, count: 65_536)
let exchanges = 300_000
let pieces = 100_000
let now = NIODeadline.now()

func run(_ filter: inout any ConnectionFilter, _ bytes: ByteBuffer, _ stream: Stream) {
    filter.receive(Chunk(bytes, at: now), from: stream)
    while case .chunk = filter.next(stream, at: now) {}
}

let initial = Dictionary(uniqueKeysWithValues: HTTPFaultToxic.attributes.map { ($0.name, $0.initial) })
let toxic = try HTTPFaultToxic(
    initial.merging(["status": .integer(503), "path": .text("/elsewhere/*")]) { $1 })

for _ in 0..<3 {
    var filter = toxic.filter(LinkRandom(seed: 1), after: HTTPWatch())
    let small = nanoseconds {
        for _ in 0..<exchanges {
            run(&filter, request, .upstream)
            run(&filter, answer, .downstream)
        }
    }
    var watch = HTTPWatch()
    let watched = nanoseconds {
        for _ in 0..<exchanges {
            watch.saw(request, .upstream)
            watch.saw(answer, .downstream)
        }
    }
    precondition(watch.isAtRest, "the watch lost its way")
    run(&filter, request, .upstream)
    run(&filter, ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"), .downstream)
    let bulk = nanoseconds { for _ in 0..<pieces { run(&filter, piece, .downstream) } }
    print(
        "exchange \(Int(small / Double(exchanges))) ns, watched \(Int(watched / Double(exchanges))) ns, bodies "
            + "\(Int(Double(pieces) * 65_536 * 1000 / bulk)) MB/s, a piece \(Int(bulk / Double(pieces))) ns")
}
