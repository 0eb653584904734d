import CLinux
import Glibc

/// What proxies are put in front of. The first byte of a connection says what it wants: `e` each byte back,
/// `s` bytes without end. Prints its port; ends with its input.
func serve() {
    raiseLimit()
    let listener = newSocket(blocking: false)
    guard withAddress(0, { bind(listener, $0, $1) }) == 0, listen(listener, 4096) == 0 else {
        fail("listen failed")
    }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
    }
    print(UInt16(bigEndian: address.sin_port))
    fflush(nil)
    let epoll = csystem_epoll_new()
    watch(epoll, listener)
    watch(epoll, 0)
    var services: [Int32: UInt8] = [:]
    let size = 262_144
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    var isOver = false
    while !isOver {
        wait(epoll, nanoseconds: -1) { descriptor in
            if descriptor == 0 {
                isOver = true
            } else if descriptor == listener {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = fcntl(client, F_SETFL, O_NONBLOCK)
                noDelay(client)
                watch(epoll, client)
            } else {
                answer(descriptor)
            }
        }
    }

    func answer(_ descriptor: Int32) {
        if services[descriptor] == 0x73 {
            if send(descriptor, buffer, size, CInt(MSG_NOSIGNAL)) < 0, errno != EAGAIN { end(descriptor) }
            return
        }
        var count = recv(descriptor, buffer, size, 0)
        guard count > 0 else {
            if count == 0 || errno != EAGAIN { end(descriptor) }
            return
        }
        var start = 0
        if services[descriptor] == nil {
            services[descriptor] = buffer.load(as: UInt8.self)
            if services[descriptor] == 0x73 { return watch(epoll, descriptor, 4) }
            (start, count) = (1, count - 1)
        }
        if count > 0 { send(descriptor, buffer + start, count, CInt(MSG_NOSIGNAL)) }
    }

    func end(_ descriptor: Int32) {
        services[descriptor] = nil
        close(descriptor)
    }
}
