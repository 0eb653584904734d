import CLinux
import Glibc

func fail(_ text: String) -> Never {
    print(text)
    exit(2)
}

func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    return address
}

func withAddress<Answer>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Answer) -> Answer {
    withUnsafePointer(to: loopback(port)) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

func newSocket(blocking: Bool = true) -> Int32 {
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_INET, blocking ? kind : kind | CInt(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { fail("socket: \(String(cString: strerror(errno)))") }
    return descriptor
}

func noDelay(_ descriptor: Int32) {
    var on: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
}

/// Connects and says which service is wanted.
func connected(_ port: Int, service: UInt8) -> Int32 {
    let descriptor = newSocket()
    guard withAddress(port, { connect(descriptor, $0, $1) }) == 0 else {
        fail("connect: \(String(cString: strerror(errno)))")
    }
    noDelay(descriptor)
    var word = service
    guard send(descriptor, &word, 1, CInt(MSG_NOSIGNAL)) == 1 else { fail("send failed") }
    return descriptor
}

func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Calls the body for each descriptor that is ready; waits at most so long.
func wait(_ epoll: Int32, nanoseconds: Int64, _ body: (Int32) -> Void) {
    withUnsafeTemporaryAllocation(of: csystem_event.self, capacity: 64) { events in
        let count = csystem_epoll_wait(epoll, events.baseAddress, 64, nanoseconds)
        for index in 0..<max(0, Int(count)) { body(Int32(truncatingIfNeeded: events[index].key)) }
    }
}

func watch(_ epoll: Int32, _ descriptor: Int32, _ events: UInt32 = 1) {
    guard csystem_epoll_set(epoll, descriptor, events, UInt64(descriptor)) == 0 else { fail("epoll failed") }
}

func raiseLimit() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// A sorted list's quantile.
func quantile(_ share: Double, of sorted: [UInt64]) -> UInt64 {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}
