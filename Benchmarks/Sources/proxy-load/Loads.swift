import CLinux
import Glibc

/// Round trips of 64 bytes on one connection, in nanoseconds.
func roundTrips(_ port: Int, count: Int) {
    let descriptor = connected(port, service: 0x65)
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    var taken: [UInt64] = []
    taken.reserveCapacity(count)
    for index in 0..<(count + 500) {
        let began = now()
        guard send(descriptor, buffer, 64, CInt(MSG_NOSIGNAL)) == 64 else { fail("send failed") }
        guard recv(descriptor, buffer, 64, CInt(MSG_WAITALL)) == 64 else { fail("the connection ended") }
        if index >= 500 { taken.append(now() - began) }
    }
    taken.sort()
    print("{\"p50\": \(quantile(0.5, of: taken)), \"p99\": \(quantile(0.99, of: taken))}")
}

/// Bytes a second on one connection, from the server.
func bulk(_ port: Int, seconds: Double) {
    let descriptor = connected(port, service: 0x73)
    let size = 1_048_576
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    func take(for seconds: Double) -> Double {
        let began = now()
        var total = 0
        while Double(now() - began) < seconds * 1e9 {
            let count = recv(descriptor, buffer, size, 0)
            guard count > 0 else { fail("the connection ended") }
            total += count
        }
        return Double(total) / Double(now() - began) * 1e9
    }
    _ = take(for: seconds / 4)
    print("{\"bytesPerSecond\": \(take(for: seconds))}")
}

/// Connections a second: connect, one byte there and back, close; one after the other.
func connections(_ port: Int, seconds: Double) {
    let began = now()
    var count = 0
    var byte: UInt8 = 0
    while Double(now() - began) < seconds * 1e9 {
        let descriptor = connected(port, service: 0x65)
        guard send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) == 1, recv(descriptor, &byte, 1, 0) == 1 else {
            fail("the connection ended")
        }
        // Without TIME_WAIT, or ports run out (socket(7)).
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close(descriptor)
        count += 1
    }
    print("{\"perSecond\": \(Double(count) / Double(now() - began) * 1e9)}")
}

/// Opens connections, sends a byte to and fro on each, and keeps them until its input ends.
func idle(_ port: Int, count: Int) {
    raiseLimit()
    var byte: UInt8 = 0
    for _ in 0..<count {
        let descriptor = connected(port, service: 0x65)
        guard send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) == 1, recv(descriptor, &byte, 1, 0) == 1 else {
            fail("the connection ended")
        }
    }
    print("ready")
    fflush(nil)
    while read(0, &byte, 1) > 0 {}
}

/// Round trips through many connections, each with one message under way at a time and so many a second in all.
func spread(_ port: Int, count: Int, perSecond: Int, seconds: Double) {
    raiseLimit()
    let epoll = csystem_epoll_new()
    let descriptors = (0..<count).map { _ in connected(port, service: 0x65) }
    for descriptor in descriptors { watch(epoll, descriptor) }
    var sentAt: [Int32: UInt64] = [:]
    var taken: [UInt64] = []
    let gap = UInt64(1e9) / UInt64(perSecond)
    let began = now() + 100_000_000
    let end = began + UInt64(seconds * 1e9)
    var due = began
    var turn = 0
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    while true {
        let time = now()
        if time > end + 1_000_000_000 { break }
        if time >= due, due < end {
            let descriptor = descriptors[turn % count]
            turn += 1
            due += gap
            guard sentAt[descriptor] == nil else { continue }
            sentAt[descriptor] = now()
            send(descriptor, buffer, 64, CInt(MSG_NOSIGNAL))
            continue
        }
        wait(epoll, nanoseconds: due < end ? Int64(due - time) : 100_000_000) { descriptor in
            let arrived = now()
            guard recv(descriptor, buffer, 64, 0) > 0 else { fail("a connection ended") }
            guard let began = sentAt.removeValue(forKey: descriptor) else { return }
            taken.append(arrived - began)
        }
    }
    taken.sort()
    print(
        "{\"count\": \(taken.count), \"p50\": \(quantile(0.5, of: taken)), \"p99\": \(quantile(0.99, of: taken)), "
            + "\"max\": \(taken.last ?? 0), \"lost\": \(sentAt.count)}")
}
